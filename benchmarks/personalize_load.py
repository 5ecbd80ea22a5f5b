"""Two hundred clients at once on the local Personalize.

Printed are errors, lost resources, and the time of an answer.

    .venv/bin/python -m benchmarks.personalize_load [--clients 200] [--seconds 60] [--pause 0.5]

The server is a process of its own, as is every measure of it; clients are asyncio connections that
stay open. Each waits `pause` seconds on average between calls. Printed beside it: the same question
asked of the engine in process.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import click
import numpy as np

from recdrop.local.aws.motoserver import MotoApp
from recdrop.recommender import Query, load
from recdrop.service.http.hosting import hosted

ROLE = "arn:aws:iam::000000000000:role/personalize"
RAMP = 10  # clients come one after the other, within this many pauses
USERS, ITEMS, EACH = 5_000, 3_000, 30
GENRES = ("comedy", "drama", "action", "horror", "music", "sport")
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "bench", "aws_secret_access_key": "bench"}


@dataclass
class Target:
    url: str
    campaign: str
    filter: str
    tracking_id: str
    items: str
    model: str


@dataclass
class Tally:
    """What all clients saw."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: Counter[str] = field(default_factory=Counter)
    schemas: set[str] = field(default_factory=set)


@contextmanager
def server(data_dir: Path, s3_endpoint: str) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "recdrop.personalize",
        "--data-dir",
        str(data_dir),
        "--s3-endpoint",
        s3_endpoint,
    ]
    options = [
        "--training-seconds",
        "5",
        "--quota",
        "schemas=1000000",
        "--quota",
        "record_requests_per_second=1000",
    ]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            raise RuntimeError("The server did not say where it is.")
        try:
            yield found[0]
        finally:
            process.terminate()


def avro(name: str, fields: list[dict[str, Any]]) -> str:
    record = {
        "type": "record",
        "name": name,
        "namespace": "com.amazonaws.personalize.schema",
        "version": "1.0",
    }
    return json.dumps({**record, "fields": fields})


INTERACTIONS = avro(
    "Interactions",
    [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
        {"name": "EVENT_TYPE", "type": "string"},
    ],
)
CATALOGUE = avro(
    "Items",
    [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "GENRE", "type": "string", "categorical": True},
    ],
)


def wait(describe: Callable[..., Any], **arn: str) -> dict[str, Any]:
    while True:
        [resource] = [
            value for name, value in describe(**arn).items() if name != "ResponseMetadata"
        ]
        if resource["status"] == "ACTIVE":
            return dict(resource)
        if resource["status"] == "CREATE FAILED":
            raise RuntimeError(f"{arn}: {resource.get('failureReason')}")
        time.sleep(0.1)


def prepare(url: str, s3_endpoint: str, data_dir: Path) -> Target:
    """A trained campaign on synthetic data, a filter and an event tracker."""
    rng = random.Random(0)
    rows = [
        f"u{user},i{(rng.randrange(ITEMS // 6) * 6 + user % 6) % ITEMS},{1_600_000_000 + step * 60},view"
        for user in range(USERS)
        for step in range(EACH)
    ]
    s3 = boto3.client("s3", endpoint_url=s3_endpoint, **KEYS)  # type: ignore[call-overload]
    s3.create_bucket(Bucket="bench")
    tables = {
        "INTERACTIONS": (INTERACTIONS, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", rows),
        "ITEMS": (
            CATALOGUE,
            "ITEM_ID,GENRE",
            [f"i{item},{GENRES[item % 6]}" for item in range(ITEMS)],
        ),
    }
    api = boto3.client("personalize", endpoint_url=url, **KEYS)  # type: ignore[call-overload]
    group = api.create_dataset_group(name="bench")["datasetGroupArn"]
    wait(api.describe_dataset_group, datasetGroupArn=group)
    datasets = {}
    for kind, (schema, header, lines) in tables.items():
        s3.put_object(
            Bucket="bench", Key=f"{kind}.csv", Body="\n".join([header, *lines, ""]).encode()
        )
        schema_arn = api.create_schema(name=f"bench-{kind}", schema=schema)["schemaArn"]
        dataset = api.create_dataset(
            name=kind, schemaArn=schema_arn, datasetGroupArn=group, datasetType=kind
        )
        datasets[kind] = dataset["datasetArn"]
        wait(api.describe_dataset, datasetArn=datasets[kind])
        job = api.create_dataset_import_job(
            jobName=f"bench-{kind}",
            datasetArn=datasets[kind],
            dataSource={"dataLocation": f"s3://bench/{kind}.csv"},
            roleArn=ROLE,
        )
        wait(api.describe_dataset_import_job, datasetImportJobArn=job["datasetImportJobArn"])
    recipe = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
    solution = api.create_solution(
        name="bench", datasetGroupArn=group, recipeArn=recipe, performAutoTraining=False
    )
    wait(api.describe_solution, solutionArn=solution["solutionArn"])
    version = api.create_solution_version(solutionArn=solution["solutionArn"])["solutionVersionArn"]
    wait(api.describe_solution_version, solutionVersionArn=version)
    campaign = api.create_campaign(name="bench", solutionVersionArn=version)["campaignArn"]
    wait(api.describe_campaign, campaignArn=campaign)
    expression = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)"
    made = api.create_filter(name="bench", datasetGroupArn=group, filterExpression=expression)[
        "filterArn"
    ]
    wait(api.describe_filter, filterArn=made)
    tracker = api.create_event_tracker(name="bench", datasetGroupArn=group)
    wait(api.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    [model] = data_dir.glob("jobs/*/model")
    return Target(url, campaign, made, tracker["trackingId"], datasets["ITEMS"], str(model))


class Client:
    """One open connection, one call at a time, chosen at random."""

    def __init__(self, target: Target, number: int, tally: Tally) -> None:
        self._target = target
        self._rng = random.Random(number)
        self._number = number
        self._tally = tally
        self._made = 0

    async def run(self, until: float, pause: float) -> None:
        await asyncio.sleep(self._rng.random() * RAMP * pause)
        address = urlsplit(self._target.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while time.monotonic() < until:
            await asyncio.sleep(self._rng.random() * 2 * pause)
            name, path, body = self._choose()
            started = time.perf_counter()
            status, answer = await self._exchange(reader, writer, name, path, body)
            self._tally.seconds[name].append(time.perf_counter() - started)
            if status != 200:
                self._tally.failures[f"{name} {status} {answer[:120]!r}"] += 1
            elif name == "CreateSchema":
                self._tally.schemas.add(json.loads(answer)["schemaArn"])
        writer.close()

    def _choose(self) -> tuple[str, str, dict[str, Any]]:
        """Name, path and body; path `/` is the control plane."""
        user, draw = f"u{self._rng.randrange(USERS)}", self._rng.random()
        ask = {"campaignArn": self._target.campaign, "userId": user, "numResults": 25}
        if draw < 0.6:
            return "GetRecommendations", "/recommendations", ask
        if draw < 0.7:
            values = {"GENRE": f'"{self._rng.choice(GENRES)}"'}
            return (
                "GetRecommendations filtered",
                "/recommendations",
                {
                    **ask,
                    "filterArn": self._target.filter,
                    "filterValues": values,
                },
            )
        if draw < 0.85:
            event = {
                "eventType": "view",
                "itemId": f"i{self._rng.randrange(ITEMS)}",
                "sentAt": time.time(),
            }
            request = {
                "trackingId": self._target.tracking_id,
                "userId": user,
                "sessionId": user,
                "eventList": [event],
            }
            return "PutEvents", "/events", request
        if draw < 0.87:
            item = {"itemId": f"i{self._rng.randrange(ITEMS)}", "properties": '{"genre": "music"}'}
            return "PutItems", "/items", {"datasetArn": self._target.items, "items": [item]}
        if draw < 0.95:
            return "DescribeCampaign", "/", {"campaignArn": self._target.campaign}
        self._made += 1
        return (
            "CreateSchema",
            "/",
            {"name": f"s-{id(self._tally)}-{self._number}-{self._made}", "schema": CATALOGUE},
        )

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        name: str,
        path: str,
        body: dict[str, Any],
    ) -> tuple[int, bytes]:
        payload = json.dumps(body).encode()
        target = f"X-Amz-Target: AmazonPersonalize.{name}\r\n" if path == "/" else ""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\n{target}Content-Length: {len(payload)}\r\n\r\n"
        )
        writer.write(head.encode() + payload)
        status = int((await reader.readline()).split()[1])
        length = 0
        while (line := await reader.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, await reader.readexactly(length)


async def drive(target: Target, clients: int, seconds: float, pause: float) -> Tally:
    tally = Tally()
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(Client(target, number, tally).run(until, pause) for number in range(clients))
    )
    return tally


def begin_training(url: str) -> None:
    api = boto3.client("personalize", endpoint_url=url, **KEYS)  # type: ignore[call-overload]
    [solution] = api.list_solutions()["solutions"]
    api.create_solution_version(solutionArn=solution["solutionArn"], name="beside")


def finish_training(url: str) -> None:
    api = boto3.client("personalize", endpoint_url=url, **KEYS)  # type: ignore[call-overload]
    [solution] = api.list_solutions()["solutions"]
    wait(api.describe_solution_version, solutionVersionArn=f"{solution['solutionArn']}/beside")


def lost_resources(target: Target, tally: Tally) -> int:
    api = boto3.client("personalize", endpoint_url=target.url, **KEYS)  # type: ignore[call-overload]
    pages = api.get_paginator("list_schemas").paginate()
    found = {schema["schemaArn"] for page in pages for schema in page["schemas"]}
    return len(tally.schemas - found)


def in_process(target: Target, calls: int = 2_000) -> list[float]:
    """The engine alone: the same question, no server."""
    model, rng, seconds = load(Path(target.model)), random.Random(1), []
    for _ in range(calls):
        query = Query(user_id=f"u{rng.randrange(USERS)}")
        started = time.perf_counter()
        model.recommend(query, 25)
        seconds.append(time.perf_counter() - started)
    return seconds


def show(name: str, seconds: list[float]) -> None:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    click.echo(f"{name:32} {len(seconds):8} calls   p50 {p50:8.2f} ms   p99 {p99:8.2f} ms")


@click.command()
@click.option("--clients", default=200, show_default=True)
@click.option("--seconds", default=60.0, show_default=True)
@click.option(
    "--pause",
    default=0.5,
    show_default=True,
    help="Mean pause of a client between calls, in seconds.",
)
def main(clients: int, seconds: float, pause: float) -> None:
    with tempfile.TemporaryDirectory() as folder, hosted(MotoApp(threading.RLock())) as s3:
        data_dir = Path(folder)
        with server(data_dir, s3) as url:
            target = prepare(url, s3, data_dir)
            show("engine in process", in_process(target))
            show(
                "one client, no pause",
                asyncio.run(drive(target, 1, 5, 0)).seconds["GetRecommendations"],
            )
            begin_training(url)
            show(
                "one client, beside a training",
                asyncio.run(drive(target, 1, 5, 0)).seconds["GetRecommendations"],
            )
            finish_training(url)
            tally = asyncio.run(drive(target, clients, seconds, pause))
            calls = sum(map(len, tally.seconds.values()))
            click.echo(
                f"{clients} clients for {seconds:.0f} s: {calls / seconds:.0f} calls a second"
            )
            for name, times in sorted(tally.seconds.items()):
                show(name, times)
            click.echo(
                f"refused or failed: {sum(tally.failures.values())} {dict(tally.failures.most_common(5))}"
            )
            click.echo(f"schemas made: {len(tally.schemas)}, lost: {lost_resources(target, tally)}")


if __name__ == "__main__":
    main()
