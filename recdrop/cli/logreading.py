"""What the functions logged, read where it is kept: by the stack here, by CloudWatch Logs at AWS."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from recdrop.cli.common import call
from recdrop.local.lambdas.logs import Line

DEFAULT_SECONDS = 3600.0
# CloudWatch Logs shows an event some seconds after it was written, and not in order.
LATE_SECONDS = 60.0
EVENTS_IN_A_PAGE = 10_000


@dataclass(frozen=True)
class Wanted:
    """Which lines: of functions whose name contains `function`, that contain `contains`.

    At most the newest `limit`, and none older than `seconds` (None: as the place has it).
    """

    function: str = ""
    contains: str = ""
    limit: int = 100
    seconds: float | None = None


class Log(Protocol):
    """Lines that come in."""

    def read(self) -> list[Line]:
        """The wanted lines that were not read before, oldest first."""


class StackLog:
    """The log of the stack on this machine, which numbers its lines."""

    def __init__(self, endpoint: str, wanted: Wanted, now: Callable[[], float] = time.time) -> None:
        self._endpoint = endpoint
        self._wanted = wanted
        self._since = 0.0 if wanted.seconds is None else now() - wanted.seconds
        self._number = 0

    def read(self) -> list[Line]:
        """Ask for the lines after the last one."""
        wanted = self._wanted
        named = {"function": wanted.function, "contains": wanted.contains, "limit": wanted.limit}
        query = urlencode({**named, "after": self._number})
        lines = [Line(**line) for line in call(self._endpoint, f"GET logs?{query}")["lines"]]
        if lines:
            self._number = lines[-1].number
        return [line for line in lines if line.time >= self._since]


class CloudWatchLog:
    """The log groups of a deployed stack's functions, by the name that is shown for each.

    Text is looked for here and not by a filter pattern: a pattern looks for whole words, and the
    beginning of a run's name has to be enough.
    """

    def __init__(
        self,
        client: Any,
        groups: Mapping[str, str],
        wanted: Wanted,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._groups = {
            name: group for name, group in groups.items() if wanted.function.lower() in name.lower()
        }
        self._wanted = wanted
        seconds = DEFAULT_SECONDS if wanted.seconds is None else wanted.seconds
        self._since = now() - seconds
        self._seen: dict[tuple[str, str, str], float] = {}

    def read(self) -> list[Line]:
        """The events that are new since the last time, of all groups, in the order of time."""
        lines: deque[Line] = deque(maxlen=self._wanted.limit)
        found = [line for name in self._groups for line in self._newest(name)]
        lines.extend(sorted(found, key=lambda line: line.time))
        self._move_on()
        return list(lines)

    def _newest(self, function: str) -> deque[Line]:
        return deque(self._lines(function), maxlen=self._wanted.limit)

    def _lines(self, function: str) -> Iterator[Line]:
        for event in self._events(self._groups[function]):
            seconds = event["timestamp"] / 1000
            key = (function, event["logStreamName"], event["eventId"])
            text = event["message"].rstrip("\n")
            if key not in self._seen:
                self._seen[key] = seconds
                if self._wanted.contains in text:
                    yield Line(len(self._seen), seconds, function, "", text)

    def _events(self, group: str) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=group,
            startTime=int(self._since * 1000),
            PaginationConfig={"PageSize": EVENTS_IN_A_PAGE},
        )
        try:
            for page in pages:
                yield from page["events"]
        except self._client.exceptions.ResourceNotFoundException:
            # The group is made at the function's first line.
            return

    def _move_on(self) -> None:
        """Ask only for what may still come in, next time."""
        newest = max(self._seen.values(), default=self._since)
        self._since = max(self._since, newest - LATE_SECONDS)
        self._seen = {key: at for key, at in self._seen.items() if at >= self._since}
