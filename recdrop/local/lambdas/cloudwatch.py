"""Hands what the Lambdas log to moto's CloudWatch Logs.

So `aws logs tail /aws/lambda/<name>` works here too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from recdrop.local.aws import slimmoto

slimmoto.install()

from moto.logs.models import logs_backends  # noqa: E402

from recdrop.local.aws.identity import ACCOUNT, REGION  # noqa: E402
from recdrop.local.lambdas.function import LOG_STREAM  # noqa: E402
from recdrop.local.lambdas.logs import Line, LogStore  # noqa: E402

# Function, action, log group and stream.
Refusal = Callable[[str, str, str, str], "str | None"]
LOG = logging.getLogger(__name__)
SECONDS = 0.5
KEPT_EVENTS = 10_000


class LogForwarder:
    """Moves new lines of the store every half second: a line costs its Lambda nothing.

    `refusal` has AWS's sentence when a function's role does not allow an action on a log group or
    stream; its lines are then not in CloudWatch Logs, as on AWS.
    """

    def __init__(
        self, store: LogStore, lock: threading.RLock, refusal: Refusal = lambda *_: None
    ) -> None:
        self._store = store
        self._refusal = refusal
        self._told: set[str] = set()
        self._lock = lock
        self._sent = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)

    def start(self) -> None:
        """Forward in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop forwarding."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS):
            try:
                self.forward()
            except Exception:
                LOG.exception("The Lambdas' logs did not reach CloudWatch Logs")

    def forward(self) -> None:
        """Move the lines that are new since the last time."""
        lines = self._store.after(self._sent, limit=KEPT_EVENTS)
        if not lines:
            return
        self._sent = lines[-1].number
        by_function = sorted(lines, key=lambda line: (line.function, line.number))
        with self._lock:
            for function, group in groupby(by_function, key=lambda line: line.function):
                if self._may(function):
                    put(f"/aws/lambda/{function}", group)

    def _may(self, function: str) -> bool:
        """Whether the function's role lets Lambda write its log. The template makes the log group."""
        group = f"/aws/lambda/{function}"
        made = logs_backends[ACCOUNT][REGION].groups
        wanted = ["logs:PutLogEvents"]
        if group not in made or LOG_STREAM not in made[group].streams:
            wanted.insert(0, "logs:CreateLogStream")
        refusals = [self._refusal(function, action, group, LOG_STREAM) for action in wanted]
        refused = next((refusal for refusal in refusals if refusal), None)
        if refused and function not in self._told:
            self._told.add(function)
            LOG.error("The log of %s is not in CloudWatch Logs: %s", function, refused)
        return refused is None


def put(group: str, lines: Iterable[Line]) -> None:
    """Add lines to the log group, made at the first line, and forget the oldest."""
    backend: Any = logs_backends[ACCOUNT][REGION]
    backend.ensure_log_group(group)
    backend.ensure_log_stream(group, LOG_STREAM)
    events: list[dict[str, Any]] = [
        {"timestamp": int(line.time * 1000), "message": line.text} for line in lines
    ]
    backend.put_log_events(group, LOG_STREAM, sorted(events, key=lambda event: event["timestamp"]))
    stream = backend.groups[group].streams[LOG_STREAM]
    del stream.events[:-KEPT_EVENTS]
