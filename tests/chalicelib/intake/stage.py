"""The intake with everything around it but a pipeline: S3 and DynamoDB of moto, the rest by hand.

A test drops objects, hands over the messages that S3 would send, and reads what came of them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib import layout
from chalicelib.clients import Clients
from chalicelib.context import Context
from chalicelib.documents import ExportSet, RunRecord
from chalicelib.intake import inbox
from chalicelib.ledger import iso_time
from chalicelib.settings import Settings

START = 1_700_000_000.0
DAY = 86_400.0
QUIET, DEADLINE = 30, 600
KEYS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}
_numbers = itertools.count()


@dataclass
class FakeMachine:
    """Step Functions, as far as starting goes: a name that was used with the same input is an error
    that says so. `broken` fails every start; `ended` holds the status of executions that are over.
    """

    started: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    broken: bool = False

    def start_execution(self, **wanted: str) -> None:
        self.asked += 1
        if self.broken:
            raise _error("InternalFailure", 500)
        if wanted["name"] in self.started:
            raise _error("ExecutionAlreadyExists", 400)
        self.started[wanted["name"]] = wanted["input"]

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:
        name = executionArn.rpartition(":")[2]
        if name not in self.started:
            raise _error("ExecutionDoesNotExist", 400)
        return {"status": self.ended.get(name, "RUNNING")}


def _error(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "StartExecution")


@dataclass
class FakeQueue:
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send_message(self, **message: Any) -> None:
        self.sent.append(message)


@dataclass
class FakeTopic:
    told: list[dict[str, str]] = field(default_factory=list)

    def publish(self, **message: str) -> None:
        self.told.append(message)


class FakeClients(Clients):
    def __init__(self, street: Street, stage: Stage) -> None:
        self.s3 = street.s3
        self._dynamodb = street.dynamodb
        fakes: Any = stage
        self.sqs, self.sns, self.stepfunctions = fakes.queue, fakes.topic, fakes.machine

    def table(self, name: str) -> Any:
        return self._dynamodb.Table(name)


class Stage:
    """Buckets and a table of its own, and a clock that a test sets."""

    def __init__(self, street: Street) -> None:
        number = next(_numbers)
        self.now = START
        self.machine, self.queue, self.topic = FakeMachine(), FakeQueue(), FakeTopic()
        self.drop_bucket, self.work_bucket = f"intake-drop-{number}", f"intake-work-{number}"
        for bucket in (self.drop_bucket, self.work_bucket):
            street.s3.create_bucket(Bucket=bucket)
        street.create_table(f"intake-{number}")
        environment = {
            "DROP_BUCKET": self.drop_bucket,
            "WORK_BUCKET": self.work_bucket,
            "TABLE_NAME": f"intake-{number}",
            "QUEUE_URL": "https://queue",
            "TOPIC_ARN": "arn:topic",
            "STATE_MACHINE_ARN": "arn:machine",
            "QUIET_SECONDS": str(QUIET),
            "DEADLINE_SECONDS": str(DEADLINE),
        }
        self.context = Context(
            Settings(environment), FakeClients(street, self), now=lambda: self.now
        )

    # -- what a user does --------------------------------------------------------------------------

    def put(self, key: str, body: str = "USER_ID,ITEM_ID\n1,2\n") -> None:
        """An object lies there; its event is still on its way."""
        self.context.drop.write(key, body)

    def drop(self, key: str, body: str = "USER_ID,ITEM_ID\n1,2\n") -> None:
        """An object and its event."""
        self.put(key, body)
        self.hear(key)

    def hear(self, key: str) -> None:
        inbox.take(self.context, created(key))

    def delete(self, key: str) -> None:
        self.context.clients.s3.delete_object(Bucket=self.drop_bucket, Key=key)

    def wait(self, seconds: float, group: str = "shop") -> None:
        """Time passes, and the message comes that asked to look again."""
        self.now += seconds
        inbox.take(self.context, {"look_again": group})

    # -- what came of it ---------------------------------------------------------------------------

    @property
    def runs(self) -> list[str]:
        """The runs whose execution was started, in order."""
        return [json.loads(given)["run"] for given in self.machine.started.values()]

    def record(self, run: str) -> RunRecord:
        record = self.context.ledger.run(run)
        assert record is not None
        return record

    def export(self, run: str) -> ExportSet:
        return self.context.work.read_document(layout.export_set(run), ExportSet)

    def files(self, run: str) -> list[str]:
        return [file.key for _, file in self.export(run).files()]

    def waiting(self, group: str = "shop") -> list[str]:
        """The keys of arrivals that no run has taken."""
        return sorted(record.key for record in self.context.ledger.arrivals(group))

    def end(self, run: str, status: str = "succeeded", days_ago: float = 0.0) -> None:
        """The pipeline has run it."""
        ended = iso_time(self.now - days_ago * DAY)
        self.context.ledger.update_run(run, status=status, ended=ended)


def created(key: str) -> dict[str, Any]:
    """What EventBridge sends for a new object, as far as we read it."""
    return {"detail-type": "Object Created", "detail": {"object": {"key": key}}}


@dataclass(frozen=True)
class Street:
    """Moto, started once: a stage in it takes a few milliseconds."""

    dynamodb: Any
    s3: Any

    def create_table(self, name: str) -> None:
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
            ],
            BillingMode="PAY_PER_REQUEST",
        )


@contextmanager
def open_street() -> Iterator[Street]:
    """Moto keeps its state in the process, which others share: nothing is reset, names are new."""
    mock = mock_aws()
    mock.start(reset=False)
    try:
        yield Street(
            boto3.resource("dynamodb", **KEYS),  # type: ignore[call-overload]
            boto3.client("s3", **KEYS),  # type: ignore[call-overload]
        )
    finally:
        mock.stop(remove_data=False)
