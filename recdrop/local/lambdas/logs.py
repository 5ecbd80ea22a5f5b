"""What the Lambdas print: kept by function and request, not mixed on the terminal."""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from recdrop.local.lambdas.host import CURRENT

KEPT_LINES = 50_000
SHOWN_FIRST = ("level", "message")
NOT_SHOWN = {
    "timestamp",
    "service",
    "location",
    "xray_trace_id",
    "cold_start",
    "function_arn",
    "function_memory_size",
}


@dataclass(frozen=True)
class Line:
    """One line of a Lambda's output; `time` in seconds since the epoch, `number` counts all lines."""

    number: int
    time: float
    function: str
    request_id: str
    text: str


class LogStore:
    """The newest lines, in memory and, given a path, appended to a file of JSON lines.

    Thread-safe.
    """

    def __init__(
        self, path: Path | None = None, echo: Callable[[Line], object] | None = None
    ) -> None:
        self._lines: deque[Line] = deque(maxlen=KEPT_LINES)
        self._lock = threading.Lock()
        self._count = 0
        self._echo = echo
        self._file = path.open("a", encoding="utf-8") if path is not None else None

    def add(self, function: str, request_id: str, text: str) -> None:
        """Keep a line."""
        with self._lock:
            self._count += 1
            line = Line(self._count, time.time(), function, request_id, text)
            self._lines.append(line)
            if self._file is not None:
                self._file.write(json.dumps(asdict(line)) + "\n")
                self._file.flush()
            if self._echo is not None:
                self._echo(line)

    def after(
        self, number: int, function: str = "", contains: str = "", limit: int = 1000
    ) -> list[Line]:
        """The newest `limit` lines with a higher number, in order.

        Only of functions whose name contains `function`, in any capitals, and only lines that hold
        the text `contains`.
        """
        with self._lock:
            lines = [
                line
                for line in self._lines
                if line.number > number
                and function.lower() in line.function.lower()
                and contains in line.text
            ]
        return lines[-limit:]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Router(io.TextIOBase):
    """Stands in for `sys.stdout`: what a running Lambda prints goes to the log store.

    All else goes where it went before. Loggers keep the stream they were made with, so a router
    must go on working after its stack has stopped.
    """

    def __init__(self, store: LogStore) -> None:
        self._store: LogStore | None = store
        self._parts = threading.local()

    def write(self, text: str) -> int:
        """Pass on whole lines."""
        invocation = CURRENT.get()
        if invocation is None or self._store is None:
            return self._outside().write(text)
        # print() writes the text and its line end apart: what is not a whole line yet is kept, per
        # thread, for handlers run at the same time.
        *lines, rest = (getattr(self._parts, "text", "") + text).split("\n")
        self._parts.text = rest
        for line in lines:
            if line.strip():
                self._store.add(*invocation, line)
        return len(text)

    def flush(self) -> None:
        """Flush what is outside of Lambdas."""
        self._outside().flush()

    def isatty(self) -> bool:
        """As the stream outside."""
        return self._outside().isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream outside."""
        return self._outside().encoding

    def _outside(self) -> TextIO:
        # Somebody may have replaced stdout after us, as pytest does for each test.
        stream = self._before if sys.stdout is self else sys.stdout
        return stream if stream is not self else sys.__stdout__ or sys.stderr

    def install(self) -> Callable[[], None]:
        """Take the place of `sys.stdout`; returns what puts it back."""
        self._before: TextIO = sys.stdout
        sys.stdout = self

        def restore() -> None:
            if sys.stdout is self:
                sys.stdout = self._before
            self._store = None

        return restore


def pretty(line: Line) -> str:
    """A line for people: time, function, then the fields of a structured line or the text as it is."""
    moment = dt.datetime.fromtimestamp(line.time).astimezone()
    try:
        fields = json.loads(line.text)
    except ValueError:
        fields = None
    text = line.text if not isinstance(fields, dict) else pretty_fields(fields)
    return f"{moment:%H:%M:%S} {line.function.split('-', 1)[-1]:18} {text}"


def pretty_fields(fields: dict[str, Any]) -> str:
    """Level and message, then the other fields as key=value. Metrics are named as such."""
    if "_aws" in fields:
        names = [
            metric["Name"]
            for entry in fields["_aws"]["CloudWatchMetrics"]
            for metric in entry["Metrics"]
        ]
        return "METRIC " + " ".join(f"{name}={fields.get(name)}" for name in names)
    first = " ".join(str(fields[key]) for key in SHOWN_FIRST if key in fields)
    rest = [
        f"{key}={value}"
        for key, value in fields.items()
        if key not in NOT_SHOWN and key not in SHOWN_FIRST
    ]
    return " ".join([first, *rest])
