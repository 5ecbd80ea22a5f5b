"""Where the pipeline's tasks are tried without a stack: moto behind one port, the local Personalize
behind another, and a Context over both.

Nothing is mocked but the state machine, which only keeps what was started. Personalize imports and
trains for real, on small data and without its waits. moto has a process of its own: its state is one
per process, and other tests begin with an empty one.
"""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import msgspec
from botocore.config import Config

from chalicelib import documents, layout
from chalicelib.clients import Clients
from chalicelib.context import Context
from chalicelib.documents import (
    DataReport,
    ExportSet,
    PopularItem,
    PopularList,
    RunEvent,
    SetReport,
)
from chalicelib.errors import ResourcePending
from chalicelib.runs import Run
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from recdrop.service.http.faults import Faults

KEYS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}
ROLE = "arn:aws:iam::000000000000:role/personalize"
_numbers = itertools.count()
T = TypeVar("T")


class Clock:
    """Epoch seconds that pass only when told, or when someone sleeps."""

    def __init__(self, seconds: float = 1_750_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class TownClients(Clients):
    """Clients of the two servers, made once: that takes longer than most tests.

    Nothing is retried, so that a test sees each answer.
    """

    def __init__(self, aws_url: str, personalize_url: str) -> None:
        for service in ("personalize", "personalize-runtime", "personalize-events"):
            self.__dict__[service.replace("-", "_")] = self._at(personalize_url, service)
        for service in ("s3", "sqs", "sns"):
            self.__dict__[service] = self._at(aws_url, service)
        self.dynamodb: Any = boto3.resource("dynamodb", endpoint_url=aws_url, **KEYS)  # type: ignore[call-overload]

    def of_a_town(self) -> TownClients:
        """The same clients with a state machine of their own."""
        clients = copy.copy(self)
        clients.__dict__["stepfunctions"] = FakeStateMachine()
        return clients

    def table(self, name: str) -> Any:
        return self.dynamodb.Table(name)

    @staticmethod
    def _at(url: str, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, endpoint_url=url, config=config, **KEYS)  # type: ignore[call-overload]


@dataclass
class FakeStateMachine:
    """Keeps what was started, by name; `events` is the history that is told of any execution."""

    started: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: A002 - boto3's word
        self.started.setdefault(name, input)
        return {"executionArn": f"{stateMachineArn}:{name}"}

    def get_paginator(self, operation: str) -> FakeStateMachine:
        assert operation == "get_execution_history"
        return self

    def paginate(self, *, executionArn: str) -> list[dict[str, Any]]:
        return [{"events": self.events}]


@dataclass(frozen=True)
class Town:
    """A table, two buckets, a queue and a topic of its own; the servers are shared."""

    context: Context
    clock: Clock
    clients: TownClients
    inbox_url: str

    @property
    def machine(self) -> FakeStateMachine:
        found: Any = self.clients.stepfunctions
        assert isinstance(found, FakeStateMachine)
        return found

    def told(self) -> list[str]:
        """Subjects of what was told by the topic since it was last asked."""
        return [str(message["Subject"]) for message in self._received()]

    def _received(self) -> Iterator[Mapping[str, Any]]:
        while found := self.clients.sqs.receive_message(
            QueueUrl=self.inbox_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in found:
                yield msgspec.json.decode(message["Body"])
                self.clients.sqs.delete_message(
                    QueueUrl=self.inbox_url, ReceiptHandle=message["ReceiptHandle"]
                )

    def begin_run(self, group: str, config: str = "", export: ExportSet | None = None) -> Run:
        """A claimed run that holds its group's lease, its config and export set written."""
        given = export or ExportSet(group=group, datasets={}, mode="FULL", complete_by="quiet")
        record = self.context.ledger.claim_run(group, f"e{next(_numbers)}")
        self.context.work.write_json(layout.export_set(record.run), given)
        self.context.work.write(layout.config(record.run), config)
        token = self.context.ledger.take_lease(group, record.run)
        return Run.of(self.context, RunEvent(run=record.run, group=group, token=token))

    def write_data(self, run: Run, **changes: Any) -> DataReport:
        """A data report as `Check the export` leaves it, and the popular list that it names."""
        report = DataReport(
            report=SetReport(verdict="yes", datasets=(), requirements=(), findings=()),
            datasets=("interactions",),
            schemas={"interactions": INTERACTIONS},
            mode="FULL",
            until=1_700_000_000,
            interactions=5_000,
            source_bytes=100_000,
            last_items={},
            popular=layout.popular(run.name),
            metadata_columns=(),
        )
        report = msgspec.structs.replace(report, **changes)
        items = tuple(PopularItem(f"i{n}", 100 - n) for n in range(30))
        self.context.work.write_json(layout.data_report(run.name), report)
        self.context.work.write_json(layout.popular(run.name), PopularList(items=items))
        return report


INTERACTIONS = documents.encode(
    {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
        ],
        "version": "1.0",
    }
).decode()


@dataclass(frozen=True)
class Servers:
    """`faults` are those of the local Personalize."""

    clients: TownClients
    faults: Faults

    def plan_fault(self, **rule: Any) -> None:
        """The next call of an operation goes wrong, as POST /_personalize/faults would plan it."""
        self.faults.replace(documents.encode([{"call": 1, **rule}]))

    def open_town(self) -> Town:
        number = next(_numbers)
        clients, clock = self.clients.of_a_town(), Clock()
        for bucket in (f"drop-{number}", f"work-{number}"):
            clients.s3.create_bucket(Bucket=bucket)
        make_table(clients, f"ledger-{number}")
        queue = clients.sqs.create_queue(QueueName=f"exports-{number}")["QueueUrl"]
        inbox = clients.sqs.create_queue(QueueName=f"inbox-{number}")["QueueUrl"]
        topic = clients.sns.create_topic(Name=f"runs-{number}")["TopicArn"]
        arn = clients.sqs.get_queue_attributes(QueueUrl=inbox, AttributeNames=["QueueArn"])
        clients.sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
        )
        settings = Settings(
            {
                "DROP_BUCKET": f"drop-{number}",
                "WORK_BUCKET": f"work-{number}",
                "TABLE_NAME": f"ledger-{number}",
                "QUEUE_URL": queue,
                "TOPIC_ARN": topic,
                "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:pipeline",
                "PERSONALIZE_ROLE_ARN": ROLE,
                "STACK_NAME": f"recdrop-{number}",
                "QUIET_SECONDS": "60",
            }
        )
        context = Context(settings, clients, now=clock, clock=clock, sleep=clock.sleep)
        return Town(context, clock, clients, inbox)


def make_table(clients: TownClients, name: str) -> None:
    clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )


@contextmanager
def open_servers(folder: Path) -> Iterator[Servers]:
    """`folder` is the local Personalize's data directory."""
    # Late: most tests of chalicelib do without.
    from recdrop.personalize.control.quotas import load_quotas
    from recdrop.personalize.server import PersonalizeServer
    from recdrop.personalize.specification import PERSONALIZE
    from recdrop.service.http.faults import Faults
    from recdrop.service.http.hosting import hosted

    with moto_process() as aws_url:
        faults = Faults(PERSONALIZE.operations)
        app = PersonalizeServer(
            folder,
            faults=faults,
            s3_endpoint=aws_url,
            account=ROLE.split(":")[4],
            latency="instant",
            training_seconds=1,
            slots=1,
            # Every test has a group of its own, more than an account may have.
            quotas=load_quotas().adjusted({"dataset_groups": 50}),
        )
        with hosted(app) as personalize_url:
            yield Servers(TownClients(aws_url, personalize_url), faults)
        app.close()


_MOTO = """
import sys, threading
from recdrop.local.aws.motoserver import MotoApp
from recdrop.service.http.hosting import hosted
with hosted(MotoApp(threading.RLock())) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def moto_process() -> Iterator[str]:
    """moto's URL. The process ends when its standard input does."""
    with subprocess.Popen(
        [sys.executable, "-c", _MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def persist(step: Callable[[], T], seconds: float = 30) -> T:
    """Takes a step again while it is pending, as the state machine's Retry does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return step()
        except ResourcePending:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
