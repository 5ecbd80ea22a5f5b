"""A trained campaign on a tiny shop: made once, and loaded from its snapshot in every test that asks.

Forty users, forty items in four genres. A user keeps to the genre of the same number modulo four, so
what should be recommended is known.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recdrop.testing.service import Service, running

NAME = "tiny-shop"
GENRES = ("comedy", "drama", "action", "horror")
USERS = tuple(f"u{number}" for number in range(40))
ITEMS = tuple(f"i{number}" for number in range(40))
EVENTS_EACH = 30
START = 1_700_000_000
RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
ROLE = "arn:aws:iam::123456789012:role/personalize"


@dataclass(frozen=True)
class TrainedCampaign:
    """ARNs of what is ACTIVE, and what is known of the data behind it."""

    arn: str
    dataset_group_arn: str
    solution_arn: str
    solution_version_arn: str
    event_tracker_arn: str
    tracking_id: str
    genre_filter_arn: str
    users: Sequence[str] = USERS
    items: Sequence[str] = ITEMS
    genres: Sequence[str] = GENRES

    @staticmethod
    def genre_of(item: str) -> str:
        """The genre of an item, which is also that of the user with its number."""
        return GENRES[int(item[1:]) % 4]


def snapshot(folder: Path) -> bytes:
    """The snapshot of the tiny shop, from `folder` or made now and put there."""
    path = folder / f"{NAME}-{code_version()}.personalize"
    if not path.exists():
        for old in folder.glob(f"{NAME}-*"):
            old.unlink(missing_ok=True)
        with running() as service:
            make(service)
            content = service.server.save(NAME)
        unfinished = path.with_suffix(f".{uuid.uuid4().hex}")
        unfinished.write_bytes(content)
        unfinished.replace(path)
    return path.read_bytes()


def loaded(service: Service, content: bytes) -> TrainedCampaign:
    """The tiny shop in a service."""
    service.server.load(content)
    found = {resource.kind: resource for resource in service.server.resources()}
    arns = {kind: resource.arn for kind, resource in found.items()}
    return TrainedCampaign(
        arn=arns["Campaign"],
        dataset_group_arn=arns["DatasetGroup"],
        solution_arn=arns["Solution"],
        solution_version_arn=arns["SolutionVersion"],
        event_tracker_arn=arns["EventTracker"],
        tracking_id=found["EventTracker"].doc["trackingId"],
        genre_filter_arn=arns["Filter"],
    )


def make(service: Service) -> None:
    """The tiny shop, from its files to its campaign."""
    personalize, s3 = service.client("personalize"), service.client("s3")
    s3.create_bucket(Bucket=NAME)
    group = personalize.create_dataset_group(name=NAME)["datasetGroupArn"]
    service.settle()
    datasets: Sequence[tuple[str, dict[str, str], list[list[object]]]] = (
        ("INTERACTIONS", EVENT_FIELDS, events()),
        ("ITEMS", ITEM_FIELDS, items()),
    )
    for kind, fields, rows in datasets:
        key = f"{kind.lower()}.csv"
        table: list[list[object]] = [[*fields], *rows]
        text = "\n".join(",".join(map(str, row)) for row in table)
        s3.put_object(Bucket=NAME, Key=key, Body=text.encode())
        schema = personalize.create_schema(name=f"{NAME}-{kind}", schema=avro(kind, fields))
        dataset = personalize.create_dataset(
            name=f"{NAME}-{kind}",
            datasetType=kind,
            datasetGroupArn=group,
            schemaArn=schema["schemaArn"],
        )["datasetArn"]
        service.settle()
        personalize.create_dataset_import_job(
            jobName=f"{NAME}-{kind}",
            datasetArn=dataset,
            dataSource={"dataLocation": f"s3://{NAME}/{key}"},
            roleArn=ROLE,
        )
    personalize.create_event_tracker(name=NAME, datasetGroupArn=group)
    service.settle()
    expression = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)"
    personalize.create_filter(name=NAME, datasetGroupArn=group, filterExpression=expression)
    solution = personalize.create_solution(
        name=NAME, datasetGroupArn=group, recipeArn=RECIPE, performAutoTraining=False
    )["solutionArn"]
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    service.settle()
    personalize.create_campaign(name=NAME, solutionVersionArn=version, minProvisionedTPS=1)
    service.settle()


EVENT_FIELDS = {
    "USER_ID": "string",
    "ITEM_ID": "string",
    "EVENT_TYPE": "string",
    "TIMESTAMP": "long",
}
ITEM_FIELDS = {"ITEM_ID": "string", "GENRE": "string", "PRICE": "float"}


def avro(kind: str, fields: dict[str, str]) -> str:
    """The schema of a dataset; GENRE is categorical."""
    listed: list[dict[str, Any]] = [
        {"name": name, "type": kind_of, **({"categorical": True} if name == "GENRE" else {})}
        for name, kind_of in fields.items()
    ]
    namespace = "com.amazonaws.personalize.schema"
    record = {"type": "record", "name": kind.title(), "namespace": namespace, "fields": listed}
    return json.dumps({**record, "version": "1.0"})


def events() -> list[list[object]]:
    """What the users viewed and bought, most of it of their own genre."""
    chance = random.Random(7)  # noqa: S311  the same shop in every run # nosec B311
    rows: list[list[object]] = []
    for number, user in enumerate(USERS):
        for step in range(EVENTS_EACH):
            genre = number % 4 if chance.random() < 0.85 else chance.randrange(4)
            item = chance.randrange(len(ITEMS) // 4) * 4 + genre
            kind = "purchase" if step % 5 == 0 else "view"
            rows.append([user, f"i{item}", kind, START + 3600 * step + number])
    return rows


def items() -> list[list[object]]:
    """The catalogue."""
    return [[item, TrainedCampaign.genre_of(item), 1 + index] for index, item in enumerate(ITEMS)]


def code_version() -> str:
    """Changes whenever the code that made a snapshot does."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for folder in ("recommender", "personalize", "service", "testing"):
        for path in sorted((package / folder).rglob("*.py")):
            stat = path.stat()
            digest.update(f"{path.relative_to(package)} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:12]
