"""`make demo`: the whole flow on real purchases, told as it happens.

Exits 1 when anything is not as it should be.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from recdrop.local import unload
from recdrop.local.progress import follow
from recdrop.local.stack import Stack

GROUP = "groceries"
HOME = Path(".recdrop/data")
MARK = "made-by-demo"
T = TypeVar("T")
TIME_SCALE = 150  # of the state machine's waits: 60 s between polls become 0.4 s

TRAINING_SECONDS = 10  # what the search for settings is sized by; `make up` takes 30

CONFIG = """\
[source]
kind = "snowflake"
complete = "manifest"
columns = { USER_ID = "household_id", ITEM_ID = "product_id", TIMESTAMP = "purchased_at" }

[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"

[[solution]]
name = "similar"
recipe = "aws-similar-items"

[[filter]]
name = "produce-only"
expression = 'INCLUDE ItemID WHERE Items.DEPARTMENT IN ("PRODUCE")'
"""


class DemoError(Exception):
    """Something is not as the demo promises."""


class Demo:
    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.s3, self.stepfunctions = stack.boto_client("s3"), stack.boto_client("stepfunctions")
        self.personalize = stack.boto_client("personalize")
        self.times: list[tuple[str, float]] = []

    # -- the story ---------------------------------------------------------------------------------

    def play(self) -> None:
        with ThreadPoolExecutor(1) as writer:
            with self.stage("write export"):
                first = unload.write_unload(self.folder / "2017-11-30")
                rows = first.rows
                say(
                    f"{rows['interactions']:,} purchases, {rows['items']:,} products, {rows['users']:,} households described"
                )
            later = writer.submit(unload.write_unload, self.folder / "2017-12-31", corrupted=True)
            with self.stage("first run"):
                report = self.run(
                    first, f"The first export of '{GROUP}': purchases up to {unload.CUT}"
                )
            expect(
                report["status"] == "succeeded",
                f"the first run {report['status']}: {report['reason']}",
            )
            self.tell_data(report)
            self.tell_decision(report)
            self.tell_cost(report)
            with self.stage("ask"):
                self.ask_households()
                self.ask_snowflake()
            with self.stage("same export again"):
                self.drop_again(first)
            with self.stage("corrupted export"):
                self.drop_corrupted(later.result())

    def run(self, export: unload.Unload, title: str) -> dict[str, Any]:
        """Drops an export, follows its run and answers its report."""
        headline(title)
        before = {execution["executionArn"] for execution in self.executions()}
        self.drop(export)
        new = wait_for(
            lambda: [e for e in self.executions() if e["executionArn"] not in before],
            "an execution of the state machine",
        )
        follow(self.stepfunctions, new[0]["executionArn"], say)
        run = json.loads(
            self.stepfunctions.describe_execution(executionArn=new[0]["executionArn"])["input"]
        )["run"]
        body = self.s3.get_object(
            Bucket=self.stack.outputs["WorkBucketName"], Key=f"runs/{run}/report.json"
        )["Body"].read()
        report: dict[str, Any] = json.loads(body)
        return report

    def drop(self, export: unload.Unload) -> None:
        bucket = self.stack.outputs["DropBucketName"]
        self.s3.put_object(Bucket=bucket, Key=f"{GROUP}/recdrop.toml", Body=CONFIG.encode())
        for path in (*export.files, export.manifest):
            key = f"{GROUP}/{export.folder.name}/{path.relative_to(export.folder)}"
            self.s3.upload_file(str(path), bucket, key)
        say(
            f"dropped {len(export.files)} gzip parts and manifest.json into s3://{bucket}/{GROUP}/{export.folder.name}/"
        )

    def executions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stepfunctions.list_executions(
            stateMachineArn=self.stack.outputs["PipelineArn"]
        )["executions"]
        return found

    def tell_data(self, report: dict[str, Any]) -> None:
        data = report["data"]
        headline(f"The data: can it train? {data['verdict']}")
        for dataset in data["datasets"]:
            say(
                f"{dataset['dataset']:<13}{dataset['files']} files  {dataset['rows']:>9,} rows  {dataset['kept']:>9,} kept"
            )
        for finding in data["findings"][:8]:
            say(f"{finding['severity']:<8} {finding['sentence']}")
        if len(data["findings"]) > 8:
            say(f"... and {len(data['findings']) - 8} more findings in the report")

    def tell_decision(self, report: dict[str, Any]) -> None:
        for solution in report["solutions"]:
            decision = solution["decision"]
            headline(f"{solution['solution']} ({solution['recipe']}): {solution['result']}")
            sides = [
                side for side in ("candidate", "live", "popularity") if side in decision["metrics"]
            ]
            say(f"{'':<45}" + "".join(f"{side:>12}" for side in sides))
            for metric in decision["metrics"][sides[0]] if sides else ():
                say(
                    f"{metric:<45}"
                    + "".join(f"{decision['metrics'][side][metric]:>12.4f}" for side in sides)
                )
            for reason in decision["reasons"]:
                say(reason)

    def tell_cost(self, report: dict[str, Any]) -> None:
        headline("What this run would cost on Amazon Personalize (estimate)")
        for line in report["cost"]:
            say(
                f"{line['what']:<44}{line['quantity']:>14,.4g} {line['unit']:<26}${line['dollars']:.2f}"
            )
        say(f"total ${sum(line['dollars'] for line in report['cost']):.2f}; here: nothing")

    def ask_households(self) -> None:
        headline("GET /recommendations/{household}")
        for household, who in unload.households(3):
            answer = self.get(f"/recommendations/{household}?numResults=5")
            expect(
                answer["source"] == "campaign",
                f"household {household} was answered by {answer['source']}: {answer.get('reason')}",
            )
            say(
                f"household {household} ({who}), answered by {answer['solutionVersion'].rsplit('/', 2)[-2]}"
            )
            for bought, item in zip(
                unload.bought_most(household, 5), answer["items"], strict=False
            ):
                say(
                    f"  bought {bought:<34} recommended {item['metadata'].get('PRODUCT_TYPE', item['itemId'])}"
                )

    def ask_snowflake(self) -> None:
        headline("POST /snowflake/recommend, as an external function sends it")
        rows = [
            [0, "2296", 3, None],
            [1, "nobody-we-know", 3, None],
            [2, "1453", 3, {"filter": "produce-only"}],
        ]
        answer = self.post_signed("/snowflake/recommend", {"data": rows})
        expect(
            [row[0] for row in answer["data"]] == [0, 1, 2], f"Snowflake rows came back as {answer}"
        )
        for (_, household, _, options), (number, value) in zip(rows, answer["data"], strict=True):
            names = [
                item.get("metadata", {}).get("PRODUCT_TYPE", item["itemId"])
                for item in value["items"]
            ]
            say(
                f"  row {number}: {household} {json.dumps(options) if options else ''} -> {', '.join(names)}"
            )

    def drop_again(self, export: unload.Unload) -> None:
        headline("The same export again")
        before = len(self.executions())
        self.drop(export)
        self.settle()
        expect(len(self.executions()) == before, "the same export started another run")
        say(f"still {before} execution: names come from the content, so nothing ran twice")

    def drop_corrupted(self, export: unload.Unload) -> None:
        before = self.serving()
        report = self.run(
            export,
            "An export with December, and a join that lost its key: products of the old rows belong to other baskets",
        )
        self.tell_decision(report)
        outcome = {solution["solution"]: solution["result"] for solution in report["solutions"]}
        expect(
            outcome.get("for-you") == "held", f"the gate did not hold the worse model: {outcome}"
        )
        expect(self.serving()["for-you"] == before["for-you"], "the campaign was changed")
        say(f"the campaign still serves {before['for-you'].rsplit('/', 1)[-1]}")

    # -- means -------------------------------------------------------------------------------------

    def serving(self) -> dict[str, str]:
        campaigns = self.personalize.list_campaigns()["campaigns"]
        described = [
            self.personalize.describe_campaign(campaignArn=c["campaignArn"])["campaign"]
            for c in campaigns
        ]
        return {c["name"].removeprefix(f"{GROUP}-"): c["solutionVersionArn"] for c in described}

    def settle(self) -> None:
        """Waits until the queue of exports is empty."""
        queue = self.stack.boto_client("sqs").get_queue_url(QueueName="recdrop-exports")["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def empty() -> bool:
            found = self.stack.boto_client("sqs").get_queue_attributes(
                QueueUrl=queue, AttributeNames=names
            )["Attributes"]
            return all(found[name] == "0" for name in names)

        wait_for(empty, "the queue of exports to be empty")

    def get(self, path: str) -> dict[str, Any]:
        began = time.perf_counter()
        with urllib.request.urlopen(self.stack.api_url + path) as answer:  # noqa: S310 - our own server
            found: dict[str, Any] = json.load(answer)
        say(f"GET {path}: {(time.perf_counter() - began) * 1000:.0f} ms")
        return found

    def post_signed(self, path: str, body: object) -> dict[str, Any]:
        """The route wants a signature of an AWS identity, as on AWS."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.session import get_session

        data = json.dumps(body)
        request = AWSRequest(
            "POST",
            self.stack.api_url + path,
            data=data,
            headers={"Content-Type": "application/json"},
        )
        credentials = get_session().get_credentials()
        if credentials is None:
            raise DemoError("no AWS credentials in the environment, though the stack sets some")
        SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
        prepared = request.prepare()
        signed = urllib.request.Request(prepared.url, data.encode(), dict(prepared.headers))  # noqa: S310 - our own server
        with urllib.request.urlopen(signed) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.times.append((name, time.monotonic() - began))


def say(text: str = "") -> None:
    print(f"  {text}" if text else "", flush=True)


def headline(text: str) -> None:
    print(f"\n{text}", flush=True)


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise DemoError(otherwise)


def wait_for(look: Callable[[], T], what: str, seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise DemoError(f"waited {seconds:.0f} s for {what}")
        threading.Event().wait(0.1)
    return found


@contextmanager
def home() -> Iterator[Path]:
    """Where the stack keeps its data, and where `make up` finds it again; not where somebody's own
    data is.
    """
    if HOME.exists() and not (HOME / MARK).exists():
        with tempfile.TemporaryDirectory(prefix="recdrop-demo-") as folder:
            say(
                f"{HOME} holds data of yours: the demo keeps its own in {folder} and removes it at the end."
            )
            yield Path(folder)
        return
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    (HOME / MARK).touch()
    yield HOME


def main() -> int:
    logging.basicConfig(level=logging.WARNING)
    began = time.monotonic()
    headline(
        "recdrop: drop an export, get recommendations from a model that was proven better. All of it on this machine."
    )
    try:
        with (
            home() as data,
            tempfile.TemporaryDirectory(prefix="recdrop-export-") as exports,
            Stack(
                Path(),
                data_dir=data,
                scale=TIME_SCALE,
                personalize_options={"training_seconds": TRAINING_SECONDS},
            ) as stack,
        ):
            say(
                f"local AWS on {stack.aws_url}, API on {stack.api_url}, up in {stack.started_in:.1f} s"
            )
            demo = Demo(stack, Path(exports))
            demo.times.append(("start the stack", stack.started_in))
            demo.play()
    except (DemoError, unload.DataMissingError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    headline("Where the time went")
    for name, seconds in demo.times:
        say(f"{name:<22}{seconds:6.1f} s")
    say(f"{'total':<22}{time.monotonic() - began:6.1f} s")
    headline("What to try next")
    say(
        "make up                                                    the same stack, with these models, until Ctrl-C; then:"
    )
    say("curl 'http://127.0.0.1:8000/recommendations/2296?numResults=5'")
    say("aws --endpoint-url http://127.0.0.1:4566 personalize list-campaigns")
    say("cp your-events.csv drop/your-shop/interactions/            a file saved there is a drop")
    return 0


if __name__ == "__main__":
    sys.exit(main())
