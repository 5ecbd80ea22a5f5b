"""An execution's history as stages with times, and where it failed. Pure: events in, stages out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from chalicelib.documents import Stage, StateError

HistoryEvent = Mapping[str, Any]
_FAILURES = ("Failed", "TimedOut", "Aborted")
# What tells the iterations of a Map apart, as a state's input names it.
_ITEMS = ("solution", "dataset")


@dataclass(frozen=True)
class Failure:
    """`state` is the state in which the run failed, "" when the history does not tell."""

    state: str
    error: str
    message: str

    def __str__(self) -> str:
        where = f" in '{self.state}'" if self.state else ""
        return f"{self.error}{where}: {self.message}"


@dataclass(frozen=True)
class History:
    """All events of an execution, oldest first, as Step Functions gives them."""

    events: Sequence[HistoryEvent]

    def stages(self) -> tuple[Stage, ...]:
        """In order of first entry; a state of a Map once for each of the Map's items."""
        found: dict[tuple[str, str], Stage] = {}
        for event in self.events:
            if "stateEnteredEventDetails" in event:
                key, at = _identity(event), _seconds(event["timestamp"])
                stage = found.get(key, Stage(key[0], at, None, 0, 0, key[1]))
                found[key] = msgspec.structs.replace(stage, times=stage.times + 1)
            elif "stateExitedEventDetails" in event and (entry := self._entry(event)):
                key, at = _identity(entry), _seconds(event["timestamp"])
                found[key] = msgspec.structs.replace(found[key], ended=at)
        for entry in self._failed(self.events):
            stage = found[_identity(entry)]
            found[_identity(entry)] = msgspec.structs.replace(stage, failures=stage.failures + 1)
        return tuple(found.values())

    def failure(self, error: StateError) -> Failure:
        """From what a Catch handed on. The cause of a Lambda is its error document as JSON text."""
        try:
            message = json.loads(error.cause).get("errorMessage", error.cause)
        except (ValueError, AttributeError):
            message = error.cause
        alike = [event for event in self.events if _error_of(event) == error.error]
        states = [_identity(entry)[0] for entry in self._failed(alike)]
        return Failure(states[-1] if states else "", error.error, message)

    def _failed(self, events: Sequence[HistoryEvent]) -> Iterator[HistoryEvent]:
        """The entry of the state that each failure among `events` happened in."""
        for event in events:
            kind = event["type"]
            is_of_a_task = not kind.startswith(("Map", "Execution", "Parallel"))
            if kind.endswith(_FAILURES) and is_of_a_task and (entry := self._entry(event)):
                yield entry

    def _entry(self, event: HistoryEvent) -> HistoryEvent | None:
        """The entry of the state that `event` belongs to, along the chain of previous events.

        States of a Map run side by side, so the event before in the list may be of another one.
        """
        name = event.get("stateExitedEventDetails", {}).get("name")
        at: HistoryEvent | None = event
        seen: set[int] = set()
        while at is not None and at["id"] not in seen:
            seen.add(at["id"])
            details = at.get("stateEnteredEventDetails")
            if details and name in (None, details["name"]):
                return at
            at = self._by_id.get(at.get("previousEventId", 0))
        return None

    @cached_property
    def _by_id(self) -> Mapping[int, HistoryEvent]:
        return {event["id"]: event for event in self.events}


def _identity(entry: HistoryEvent) -> tuple[str, str]:
    """A state's name, and which of a Map's items it ran for ("" outside a Map)."""
    details = entry["stateEnteredEventDetails"]
    try:
        given = json.loads(details.get("input") or "{}")
    except ValueError:  # cut by Step Functions: it is over 256 KiB
        given = {}
    item = next((str(given[key]) for key in _ITEMS if isinstance(given, dict) and key in given), "")
    return details["name"], item


def _error_of(event: HistoryEvent) -> str:
    """The error's name in a failure event, whatever its kind calls its details."""
    details = [value for key, value in event.items() if key.endswith("FailedEventDetails")]
    return str(details[0].get("error", "")) if details else ""


def _seconds(timestamp: datetime | float) -> float:
    return timestamp.timestamp() if isinstance(timestamp, datetime) else float(timestamp)
