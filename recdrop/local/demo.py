"""The story of `recdrop demo`: the whole flow on real purchases, told as it happens.

Two exports of the same shop. The first one makes its models; the second one is damaged in a way
that no count or schema shows, and its worse model must be held back. Starting the stack is the
caller's.

Errors:
    DemoError   something is not as the demo promises
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from recdrop.local import unload
from recdrop.local.aws.identity import REGION
from recdrop.local.progress import follow
from recdrop.local.stack import Stack
from recdrop.project import DEMO_DATA, DEMO_MARK

if TYPE_CHECKING:
    from chalicelib.documents import RunReport

GROUP = "groceries"
T = TypeVar("T")
TIME_SCALE = 150  # of the state machine's waits: 60 s between polls become 0.4 s
TRAINING_SECONDS = 10  # what the search for settings is sized by; `recdrop up` takes 30
MOST_FINDINGS = 8

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
    """Plays on a running stack; exports are written below `folder`.

    Afterwards `times` has seconds by stage, and `decisions` the result of each solution by run.
    """

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.s3 = stack.boto_client("s3")
        self.stepfunctions = stack.boto_client("stepfunctions")
        self.personalize = stack.boto_client("personalize")
        self.times: dict[str, float] = {"start the stack": stack.started_in}
        self.decisions: dict[str, dict[str, str]] = {}

    # -- the story ---------------------------------------------------------------------------------

    def play(self) -> None:
        """The story from its beginning to its end.

        Raises:
            DemoError: something is not as the demo promises.
            unload.DataMissingError: the purchases are not installed.
        """
        with ThreadPoolExecutor(1) as writer:
            first = self.write_first()
            # The second export is written while the models of the first one train.
            later = writer.submit(unload.write_unload, self.folder / "2017-12-31", corrupted=True)
            with self.stage("first run"):
                self.drop_first(first)
            with self.stage("ask"):
                self.ask_households()
                self.ask_snowflake()
            with self.stage("same export again"):
                self.drop_again(first)
            with self.stage("corrupted export"):
                self.drop_corrupted(later.result())

    def write_first(self) -> unload.Unload:
        """The purchases up to December, as a warehouse would unload them."""
        with self.stage("write export"):
            export = unload.write_unload(self.folder / "2017-11-30")
        rows = export.rows
        say(
            f"{rows['interactions']:,} purchases, {rows['items']:,} products,"
            f" {rows['users']:,} households described"
        )
        return export

    def drop_first(self, export: unload.Unload) -> None:
        """The first run: what was found in the data, decided, and what it would cost."""
        title = f"The first export of '{GROUP}': purchases up to {unload.CUT}"
        report = self.run(export, title)
        self.decisions["first run"] = results(report)
        failed = f"the first run {report.status}: {report.reason}"
        expect(report.status == "succeeded", failed)
        self.tell_data(report)
        self.tell_decision(report)
        self.tell_cost(report)

    def run(self, export: unload.Unload, title: str) -> RunReport:
        """Drop an export and follow its run; the run's report."""
        headline(title)
        before = {execution["executionArn"] for execution in self.executions()}
        self.drop(export)
        new = wait_for(
            lambda: [e for e in self.executions() if e["executionArn"] not in before],
            "an execution of the state machine",
        )
        arn = new[0]["executionArn"]
        follow(self.stepfunctions, arn, say)
        given = json.loads(self.stepfunctions.describe_execution(executionArn=arn)["input"])
        return self.report(given["run"])

    def report(self, run: str) -> RunReport:
        """The report that a run wrote."""
        # The running stack has put its project on the path.
        from chalicelib import layout
        from chalicelib.buckets import Bucket
        from chalicelib.documents import RunReport

        work = Bucket(self.s3, self.stack.outputs["WorkBucketName"])
        return work.read_document(layout.report(run), RunReport)

    def drop(self, export: unload.Unload) -> None:
        """Upload an export's files, its manifest last."""
        from chalicelib import layout
        from chalicelib.buckets import Bucket

        drop, name = Bucket(self.s3, self.stack.outputs["DropBucketName"]), export.folder.name
        drop.write(layout.group_config(GROUP), CONFIG)
        for path in (*export.files, export.manifest):
            inside = path.relative_to(export.folder).as_posix()
            drop.upload(path, layout.dropped(GROUP, name, inside))
        parts = f"{len(export.files)} gzip parts and manifest.json"
        say(f"dropped {parts} into {drop.url(layout.dropped(GROUP, name))}/")

    def tell_data(self, report: RunReport) -> None:
        """What was found in the data."""
        data = report.data
        if data is None:
            raise DemoError(f"run {report.run} has no word on its data")
        headline(f"The data: can it train? {data.verdict}")
        for dataset in data.datasets:
            say(
                f"{dataset.dataset:<13}{dataset.files} files"
                f"  {dataset.rows:>9,} rows  {dataset.kept:>9,} kept"
            )
        for finding in data.findings[:MOST_FINDINGS]:
            say(f"{finding.severity:<8} {finding.sentence}")
        if (more := len(data.findings) - MOST_FINDINGS) > 0:
            say(f"... and {more} more findings in the report")

    def tell_decision(self, report: RunReport) -> None:
        """Each solution's metrics side by side, and why it was promoted or held."""
        for solution in report.solutions:
            headline(f"{solution.solution} ({solution.recipe}): {solution.result}")
            if (decision := solution.decision) is None:
                say(solution.failure or "no decision")
                continue
            metrics = decision.metrics
            sides = [side for side in ("candidate", "live", "popularity") if side in metrics]
            say(f"{'':<45}" + "".join(f"{side:>12}" for side in sides))
            for metric in metrics[sides[0]] if sides else ():
                values = "".join(f"{metrics[side][metric]:>12.4f}" for side in sides)
                say(f"{metric:<45}{values}")
            for reason in decision.reasons:
                say(reason)

    def tell_cost(self, report: RunReport) -> None:
        """What Amazon Personalize would charge for the run."""
        headline("What this run would cost on Amazon Personalize (estimate)")
        for line in report.cost:
            amount = f"{line.quantity:>14,.4g} {line.unit:<26}"
            say(f"{line.what:<44}{amount}${line.dollars:.2f}")
        say(f"total ${sum(line.dollars for line in report.cost):.2f}; here: nothing")

    def ask_households(self) -> None:
        """Recommendations over HTTP, beside what the household buys."""
        headline("GET /recommendations/{household}")
        for household, who in unload.households(3):
            answer = self.get(f"/recommendations/{household}?numResults=5")
            source = answer["source"]
            other = f"household {household} was answered by {source}: {answer.get('reason')}"
            expect(source == "campaign", other)
            solution = answer["solutionVersion"].rsplit("/", 2)[-2]
            say(f"household {household} ({who}), answered by {solution}")
            bought = unload.bought_most(household, 5)
            for known, item in zip(bought, answer["items"], strict=False):
                say(f"  bought {known:<34} recommended {product(item)}")

    def ask_snowflake(self) -> None:
        """Recommendations as an external function of Snowflake asks for them: rows in, rows out."""
        headline("POST /snowflake/recommend, as an external function sends it")
        rows = [
            [0, "2296", 3, None],
            [1, "nobody-we-know", 3, None],
            [2, "1453", 3, {"filter": "produce-only"}],
        ]
        answer = self.post_signed("/snowflake/recommend", {"data": rows})
        numbers = [row[0] for row in answer["data"]]
        expect(numbers == [0, 1, 2], f"Snowflake rows came back as {answer}")
        for (_, household, _, options), (number, value) in zip(rows, answer["data"], strict=True):
            names = ", ".join(product(item) for item in value["items"])
            say(f"  row {number}: {household} {json.dumps(options) if options else ''} -> {names}")

    def drop_again(self, export: unload.Unload) -> None:
        """The same content once more starts nothing."""
        headline("The same export again")
        before = len(self.executions())
        self.drop(export)
        self.settle()
        expect(len(self.executions()) == before, "the same export started another run")
        say(f"still {before} execution: names come from the content, so nothing ran twice")

    def drop_corrupted(self, export: unload.Unload) -> None:
        """A model trained on damaged data is held, and the campaign goes on as before."""
        from chalicelib import names

        campaign, before = names.campaign(GROUP, "for-you"), self.serving()
        report = self.run(
            export,
            "An export with December, and a join that lost its key:"
            " products of the old rows belong to other baskets",
        )
        self.tell_decision(report)
        self.decisions["corrupted export"] = found = results(report)
        expect(found.get("for-you") == "held", f"the gate did not hold the worse model: {found}")
        expect(self.serving()[campaign] == before[campaign], "the campaign was changed")
        say(f"the campaign still serves {before[campaign].rsplit('/', 1)[-1]}")

    # -- means -------------------------------------------------------------------------------------

    def executions(self) -> list[dict[str, Any]]:
        """Every execution of the state machine."""
        machine = self.stack.outputs["PipelineArn"]
        found: list[dict[str, Any]] = self.stepfunctions.list_executions(stateMachineArn=machine)[
            "executions"
        ]
        return found

    def serving(self) -> dict[str, str]:
        """The solution version behind each campaign, by the campaign's name."""
        versions = {}
        for listed in self.personalize.list_campaigns()["campaigns"]:
            arn = listed["campaignArn"]
            campaign = self.personalize.describe_campaign(campaignArn=arn)["campaign"]
            versions[campaign["name"]] = campaign["solutionVersionArn"]
        return versions

    def settle(self) -> None:
        """Wait until the queue of exports is empty."""
        sqs = self.stack.boto_client("sqs")
        queue = sqs.get_queue_url(QueueName="recdrop-exports")["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def empty() -> bool:
            answer = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)
            return all(answer["Attributes"][name] == "0" for name in names)

        wait_for(empty, "the queue of exports to be empty")

    def get(self, path: str) -> dict[str, Any]:
        """The answer of the API, with its time told."""
        began = time.perf_counter()
        key = {"x-api-key": self.stack.api_keys["ReadKey"]}
        request = urllib.request.Request(self.stack.api_url + path, headers=key)  # noqa: S310 - our own server
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        say(f"GET {path}: {(time.perf_counter() - began) * 1000:.0f} ms")
        return found

    def post_signed(self, path: str, body: object) -> dict[str, Any]:
        """The answer to a signed request: the route wants an AWS identity, as on AWS."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.session import get_session

        credentials = get_session().get_credentials()
        if credentials is None:
            raise DemoError("no AWS credentials in the environment, though the stack sets some")
        data = json.dumps(body)
        headers = {"Content-Type": "application/json"}
        request = AWSRequest("POST", self.stack.api_url + path, data=data, headers=headers)
        SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        prepared = request.prepare()
        signed = urllib.request.Request(prepared.url, data.encode(), dict(prepared.headers))  # noqa: S310 - our own server
        with urllib.request.urlopen(signed) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take a stage's time."""
        began = time.monotonic()
        yield
        self.times[name] = time.monotonic() - began


def results(report: RunReport) -> dict[str, str]:
    """What became of each solution of a run."""
    return {solution.solution: solution.result for solution in report.solutions}


def product(item: Mapping[str, Any]) -> str:
    """A recommended item by its type, or by its id where the item is not described."""
    return str(item.get("metadata", {}).get("PRODUCT_TYPE", item["itemId"]))


def say(text: str = "") -> None:
    """A line of the story."""
    print(f"  {text}" if text else "", flush=True)


def headline(text: str) -> None:
    """What comes next."""
    print(f"\n{text}", flush=True)


def expect(condition: bool, otherwise: str) -> None:
    """Go on, or stop the demo with what is not as promised."""
    if not condition:
        raise DemoError(otherwise)


def wait_for(look: Callable[[], T], what: str, seconds: float = 60) -> T:
    """The first answer of `look` that is not empty.

    Raises:
        DemoError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise DemoError(f"waited {seconds:.0f} s for {what}")
        threading.Event().wait(0.1)
    return found


@contextmanager
def home(wanted: Path = DEMO_DATA) -> Iterator[Path]:
    """The folder where the stack keeps its data, and where `recdrop up` finds it again.

    Somebody's own data is never touched: without our mark in it, the demo plays in a temporary
    folder.
    """
    if wanted.exists() and not (wanted / DEMO_MARK).exists():
        with tempfile.TemporaryDirectory(prefix="recdrop-demo-") as folder:
            say(f"{wanted} holds data of yours, so the demo plays in {folder} and removes it.")
            yield Path(folder)
        return
    shutil.rmtree(wanted, ignore_errors=True)
    wanted.mkdir(parents=True)
    (wanted / DEMO_MARK).touch()
    yield wanted


def tell_times(times: Mapping[str, float]) -> None:
    """Where the time went."""
    headline("Where the time went")
    for name, seconds in times.items():
        say(f"{name:<22}{seconds:6.1f} s")


def tell_what_next(project: Path) -> None:
    """What to try with the stack that the demo leaves behind."""
    # In a clone recdrop is not on the PATH; make is.
    up = "make up" if (project / "Makefile").exists() else f"recdrop up --data-dir {DEMO_DATA}"
    headline("What to try next")
    say(f"{up:<59}the same stack, with these models, until Ctrl-C; then:")
    say(
        "curl -H x-api-key:recdrop-ReadKey 'http://127.0.0.1:8000/recommendations/2296?numResults=5'"
    )
    say("aws --endpoint-url http://127.0.0.1:4566 personalize list-campaigns")
    say(f"{'cp your-events.csv drop/your-shop/interactions/':<59}a file saved there is a drop")
