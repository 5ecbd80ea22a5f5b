"""The recdrop that a verb works on: on this machine, or deployed as a CloudFormation stack.

A verb asks a `Target` for names and clients and never learns which of the two it has. `here` and
`deployed` have one class each; `options` makes the one that was asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from recdrop.cli.common import UNREADABLE, CliError, Json
from recdrop.cli.logreading import Log, Wanted

if TYPE_CHECKING:
    from chalicelib.buckets import Bucket
    from chalicelib.ledger import Ledger

T = TypeVar("T")
FIRST_LOOK_SECONDS = 0.3
GROWTH = 1.5


class Target(ABC):
    """Everything that a verb needs of a recdrop, each read when it is first asked for.

    `option` is what a command must carry to come here again. While something is waited for, the
    pauses grow up to `look_seconds`; a run is waited for `run_seconds` unless told otherwise. Counts
    of messages can be trusted when they were the same for `settled_seconds`.
    """

    option: str = ""
    look_seconds: float
    settled_seconds: float
    run_seconds: float
    follow_seconds: float

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is, as the subject of a sentence."""

    @property
    @abstractmethod
    def outputs(self) -> Mapping[str, str]:
        """The outputs of its template."""

    @abstractmethod
    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once."""

    @abstractmethod
    def table(self, name: str) -> Any:
        """A DynamoDB table, as boto3's resource."""

    @abstractmethod
    def wait_until_ready(self, seconds: float) -> None:
        """Return once it can be worked with.

        Raises:
            CliError: it cannot when the time is over, or never will.
        """

    @abstractmethod
    def open_log(self, wanted: Wanted) -> Log:
        """What its functions log."""

    @abstractmethod
    def describe(self) -> Json:
        """What runs where, as JSON; the lines for people are its `summary`."""

    @abstractmethod
    def alarms(self) -> Sequence[tuple[str, str]]:
        """Each alarm with its state."""

    def output(self, name: str) -> str:
        """One output.

        Raises:
            CliError: the template has none of that name.
        """
        value = self.outputs.get(name)
        if not value:
            raise CliError(
                UNREADABLE,
                f"{self.place} has no output {name!r}.",
                "Was it deployed by this version of recdrop? Deploy it again.",
            )
        return value

    @property
    def drop_bucket(self) -> str:
        """The bucket that exports are dropped in."""
        return self.output("DropBucketName")

    @property
    def machine(self) -> str:
        """The ARN of the pipeline's state machine."""
        return self.output("PipelineArn")

    @property
    def queue(self) -> str:
        """The address of the queue of arrivals."""
        return self.output("ExportQueueUrl")

    @property
    def dead_letters(self) -> str:
        """The address of the queue of what could not be taken."""
        return self.output("DeadLetterQueueUrl")

    @cached_property
    def drop(self) -> Bucket:
        """The bucket that exports are dropped in, to read from it."""
        from chalicelib.buckets import Bucket

        return Bucket(self.client("s3"), self.drop_bucket)

    @cached_property
    def work(self) -> Bucket:
        """The bucket that the pipeline writes."""
        from chalicelib.buckets import Bucket

        return Bucket(self.client("s3"), self.output("WorkBucketName"))

    @cached_property
    def ledger(self) -> Ledger:
        """What has arrived, which runs there are, what serves."""
        from chalicelib.ledger import Ledger

        return Ledger(self.table(self.output("LedgerTableName")))

    def patiently(self, look: Callable[[], T | None]) -> T | None:
        """What a look finds; None, too, where the way there failed and the next look may succeed."""
        return look()

    def count(self, queue: str) -> dict[str, int]:
        """How many messages a queue has: visible, in flight and delayed."""
        name = "ApproximateNumberOfMessages"
        kinds = {"visible": name, "in_flight": f"{name}NotVisible", "delayed": f"{name}Delayed"}
        sqs = self.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(kinds.values()))
        return {kind: int(found["Attributes"][attribute]) for kind, attribute in kinds.items()}

    def pauses(self) -> Iterator[float]:
        """Seconds to sleep between two looks, without an end."""
        seconds = FIRST_LOOK_SECONDS
        while True:
            yield min(seconds, self.look_seconds)
            seconds *= GROWTH
