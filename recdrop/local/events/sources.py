"""Which queue feeds which function."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EventSource:
    """An SQS event source mapping; the ARN of its queue is the stack output `output`.

    Batching windows are not waited for.
    """

    function: str
    output: str
    batch_size: int
    reports_failures: bool


@dataclass(frozen=True)
class QueueSource:
    """A resolved SQS event source mapping."""

    queue: str
    function: str
    mapping: EventSource
