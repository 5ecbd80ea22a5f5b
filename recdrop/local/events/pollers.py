"""Feeds queues to Lambdas, as AWS does in the background.

Not as on AWS: a batch that failed is tried again after `retry_seconds`, not after the queue's
visibility timeout, which would be minutes on a laptop. The count of receives and the dead-letter
queue are the real ones.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from recdrop.local.aws.identity import ACCOUNT, REGION
from recdrop.local.events.sources import QueueSource
from recdrop.local.lambdas.function import Answer, InvokeError
from recdrop.local.lambdas.host import LambdaHost

Refusal = Callable[[str], "str | None"]
LOG = logging.getLogger(__name__)
IDLE_SECONDS = 1.0
POLLERS_PER_SOURCE = 2


class QueuePoller:
    """Feeds one queue to one function, with partial batch responses.

    `refusal` has AWS's sentence when the function's role does not allow an action on the queue.
    """

    def __init__(
        self,
        source: QueueSource,
        lambdas: LambdaHost,
        lock: threading.RLock,
        retry_seconds: int = 1,
        refusal: Refusal = lambda _action: None,
    ) -> None:
        self.source = source
        self._lambdas = lambdas
        self._lock = lock
        self._retry_seconds = retry_seconds
        self._refusal = refusal
        self._told: set[str] = set()
        self._stopping = threading.Event()
        self._arrived = threading.Condition()
        self._pending = 0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Poll in threads, several as on AWS: two messages may be worked on at the same time."""
        for index in range(POLLERS_PER_SOURCE):
            thread = threading.Thread(
                target=self._run, name=f"poll-{self.source.queue}-{index}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """A message has arrived."""
        with self._arrived:
            self._pending += 1
            self._arrived.notify()

    def stop(self, seconds: float = 5.0) -> None:
        """Stop after the batches at work; messages not yet deleted stay in the queue."""
        self._stopping.set()
        with self._arrived:
            self._arrived.notify_all()
        for thread in self._threads:
            thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                busy = self.poll()
            except Exception:
                LOG.exception("Polling %s failed", self.source.queue)
                busy = False
            if not busy:
                self._rest()

    def _rest(self) -> None:
        """Wait for a message, or a second: one that was put off becomes visible without a word."""

        def is_wanted() -> bool:
            return self._pending > 0 or self._stopping.is_set()

        with self._arrived:
            self._arrived.wait_for(is_wanted, IDLE_SECONDS)
            self._pending = max(0, self._pending - 1)

    def poll(self) -> bool:
        """Work on one batch; False when the queue had nothing to give."""
        messages = self._receive()
        if not messages:
            return False
        event = {"Records": [record(message, self.source.queue) for message in messages]}
        failed = self._invoke(event)
        for message in messages:
            if message.id in failed:
                self._retry_later(message)
            else:
                self._delete(message)
        return True

    def _may(self, action: str) -> bool:
        refusal = self._refusal(action)
        # Asked for every second: told once.
        if refusal and refusal not in self._told:
            self._told.add(refusal)
            LOG.error("%s is not fed: %s", self.source.function, refusal)
        return refusal is None

    def _receive(self) -> list[Any]:
        # AWS's own pollers read a queue with the role of the function that they feed.
        if not (self._may("sqs:GetQueueAttributes") and self._may("sqs:ReceiveMessage")):
            return []
        with self._lock:
            backend = sqs_backend()
            timeout = int(backend.get_queue(self.source.queue).visibility_timeout or 30)
            received: list[Any] = backend.receive_message(
                self.source.queue, self.source.mapping.batch_size, 0, timeout, ["All"]
            )
            return received

    def _invoke(self, event: dict[str, Any]) -> set[str]:
        """The ids of the messages that are to be tried again."""
        every = {record["messageId"] for record in event["Records"]}
        try:
            answer = self._lambdas.invoke(self.source.function, json.dumps(event).encode())
        except InvokeError as error:
            LOG.warning("%s was not invoked: %s", self.source.function, error)
            return every
        if answer.failed:
            why = answer.payload.decode()
            LOG.warning("%s failed on %d messages: %s", self.source.function, len(every), why)
            return every
        return failed_items(answer, every) if self.source.mapping.reports_failures else set()

    def _retry_later(self, message: Any) -> None:
        # A handler that took longer than the visibility time-out has lost its messages to another.
        from moto.sqs.exceptions import ReceiptHandleIsInvalid

        with self._lock, contextlib.suppress(ReceiptHandleIsInvalid):
            sqs_backend().change_message_visibility(
                self.source.queue, message.receipt_handle, self._retry_seconds
            )

    def _delete(self, message: Any) -> None:
        from moto.sqs.exceptions import ReceiptHandleIsInvalid

        if not self._may("sqs:DeleteMessage"):
            return
        with self._lock, contextlib.suppress(ReceiptHandleIsInvalid):
            sqs_backend().delete_message(self.source.queue, message.receipt_handle)


def sqs_backend() -> Any:
    """moto's SQS."""
    from moto.sqs.models import sqs_backends

    return sqs_backends[ACCOUNT][REGION]


def failed_items(answer: Answer, every: set[str]) -> set[str]:
    """The `batchItemFailures` of an answer.

    An unknown or missing id fails the whole batch, as on AWS.
    """
    result = json.loads(answer.payload)
    # What is no such document says that nothing failed: null, a text, a list.
    entries = result.get("batchItemFailures") if isinstance(result, dict) else None
    failed = {entry.get("itemIdentifier") for entry in entries or ()}
    return failed if failed.issubset(every) else every


def record(message: Any, queue: str) -> dict[str, Any]:
    """A message as a Lambda receives it."""
    first_received = int(message.approximate_first_receive_timestamp or 0)
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(int(message.sent_timestamp)),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(first_received),
        },
        "messageAttributes": {},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }
