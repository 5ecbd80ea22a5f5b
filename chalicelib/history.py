"""An execution's history as stages with times, and where it failed. Pure: events in, stages out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

HistoryEvent = Mapping[str, Any]
_FAILURES = ("Failed", "TimedOut", "Aborted")


@dataclass(frozen=True)
class Stage:
    """A state of the run: first entered, last left (epoch seconds; None while it goes on), how
    often, how many retries.
    """

    name: str
    started: float
    ended: float | None
    times: int
    failures: int

    @property
    def seconds(self) -> float:
        return (self.ended or self.started) - self.started


@dataclass(frozen=True)
class Failure:
    """`state` is the state in which the run failed, "" when the history does not tell."""

    state: str
    error: str
    message: str

    def __str__(self) -> str:
        where = f" in '{self.state}'" if self.state else ""
        return f"{self.error}{where}: {self.message}"


def stages(events: Sequence[HistoryEvent]) -> list[Stage]:
    """In order of first entry. States inside a Map are told apart by name only."""
    found: dict[str, Stage] = {}
    for event in events:
        name, at = _state_name(event), _seconds(event["timestamp"])
        if name is None:
            continue
        entered = event["type"].endswith("Entered")
        before = found.get(name, Stage(name, at, None, 0, 0))
        found[name] = Stage(
            name,
            before.started,
            before.ended if entered else at,
            before.times + entered,
            before.failures,
        )
    for name in _failed_states(events, events):
        if name in found:
            stage = found[name]
            found[name] = Stage(name, stage.started, stage.ended, stage.times, stage.failures + 1)
    return list(found.values())


def failure(error: Mapping[str, str], events: Sequence[HistoryEvent]) -> Failure:
    """From a Catch's `{"Error", "Cause"}`. The cause of a Lambda is its error as JSON text."""
    cause = error.get("Cause", "")
    try:
        message = json.loads(cause).get("errorMessage", cause)
    except (ValueError, AttributeError):
        message = cause
    name = error.get("Error", "States.Unknown")
    failed = _failed_states([event for event in events if _error_of(event) == name], events)
    return Failure(failed[-1] if failed else "", name, message)


def _failed_states(failures: Sequence[HistoryEvent], events: Sequence[HistoryEvent]) -> list[str]:
    """The state of each failure event, found along `previousEventId` back to the state's entry."""
    by_id = {event["id"]: event for event in events}
    names = [_entered(event, by_id) for event in failures if _is_failure(event["type"])]
    return [name for name in names if name]


def _error_of(event: HistoryEvent) -> str:
    """The error's name in a failure event, whatever its kind calls its details."""
    details: Mapping[str, Any] = next(
        (value for key, value in event.items() if key.endswith("FailedEventDetails")), {}
    )
    return str(details.get("error", ""))


def _is_failure(kind: str) -> bool:
    return kind.endswith(_FAILURES) and not kind.startswith(("Map", "Execution", "Parallel"))


def _entered(event: HistoryEvent, by_id: Mapping[int, HistoryEvent]) -> str:
    seen: set[int] = set()
    while event["id"] not in seen:
        seen.add(event["id"])
        if "stateEnteredEventDetails" in event:
            return str(event["stateEnteredEventDetails"]["name"])
        previous = by_id.get(event.get("previousEventId", 0))
        if previous is None:
            return ""
        event = previous
    return ""


def _state_name(event: HistoryEvent) -> str | None:
    details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails")
    return str(details["name"]) if details else None


def _seconds(timestamp: datetime | float) -> float:
    return timestamp.timestamp() if isinstance(timestamp, datetime) else float(timestamp)
