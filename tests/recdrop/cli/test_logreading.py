"""CloudWatch Logs, whose events come late and in any order, read as a log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from recdrop.cli.logreading import LATE_SECONDS, CloudWatchLog, Wanted

NOW = 1_800_000_000.0
GROUPS = {"OnExport": "/aws/lambda/shop-OnExport-1", "Train": "/aws/lambda/shop-Train-2"}


class NoSuchGroupError(Exception):
    """As botocore makes one for each service."""


class Exceptions:
    ResourceNotFoundException = NoSuchGroupError


@dataclass
class Logs:
    """FilterLogEvents with pages of one event each, by log group."""

    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    exceptions: type[Exceptions] = Exceptions

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        if asked["logGroupName"] not in self.events:
            raise NoSuchGroupError
        for event in self.events[asked["logGroupName"]]:
            if event["timestamp"] >= asked["startTime"]:
                yield {"events": [event]}

    def add(self, function: str, at: float, text: str) -> None:
        events = self.events.setdefault(GROUPS[function], [])
        event = {"logStreamName": "s", "eventId": str(len(events)), "message": f"{text}\n"}
        events.append({**event, "timestamp": int(at * 1000)})


def read(logs: Logs, wanted: Wanted | None = None) -> CloudWatchLog:
    return CloudWatchLog(logs, GROUPS, wanted or Wanted(), lambda: NOW)


def test_lines_of_all_functions_come_in_the_order_of_time() -> None:
    logs = Logs()
    logs.add("Train", NOW - 1, "second")
    logs.add("OnExport", NOW - 2, "first")
    lines = read(logs).read()
    assert [(line.function, line.text) for line in lines] == [
        ("OnExport", "first"),
        ("Train", "second"),
    ]


def test_a_function_that_has_logged_nothing_yet_has_no_group() -> None:
    assert read(Logs()).read() == []


def test_only_what_is_wanted_is_read() -> None:
    logs = Logs()
    logs.add("Train", NOW - 7000, "run abc, long ago")
    logs.add("Train", NOW - 3, "run abcdef")
    logs.add("Train", NOW - 2, "run xyz")
    logs.add("OnExport", NOW - 1, "run abcdef")
    found = read(logs, Wanted(function="train", contains="abc")).read()
    assert [line.text for line in found] == ["run abcdef"]
    found = read(logs, Wanted(function="train", contains="abc", seconds=8000)).read()
    assert [line.text for line in found] == ["run abc, long ago", "run abcdef"]
    assert [line.text for line in read(logs, Wanted(limit=1)).read()] == ["run abcdef"]


def test_an_event_that_comes_late_is_shown_once_and_none_is_shown_twice() -> None:
    logs = Logs()
    logs.add("Train", NOW, "newest")
    log = read(logs)
    assert [line.text for line in log.read()] == ["newest"]
    logs.add("Train", NOW - LATE_SECONDS / 2, "late")
    assert [line.text for line in log.read()] == ["late"]
    assert log.read() == []
