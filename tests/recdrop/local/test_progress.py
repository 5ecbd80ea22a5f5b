"""A run is told state by state, each with the time it took."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from recdrop.local.progress import SILENCE_SECONDS, Teller, follow

NOON = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


class History:
    """The events of an execution, as Step Functions numbers and chains them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, name: str, at: float, previous: int, **given: Any) -> int:
        """Add an event at a second after noon; its number."""
        number = len(self.events) + 1
        entered = kind.endswith("Entered")
        details = {"name": name, **({"input": json.dumps(given)} if entered else {})}
        self.events.append(
            {
                "id": number,
                "previousEventId": previous,
                "type": kind,
                "timestamp": NOON + dt.timedelta(seconds=at),
                "stateEnteredEventDetails" if entered else "stateExitedEventDetails": details,
            }
        )
        return number


def test_parallel_states_of_one_name_are_told_apart_by_their_chain() -> None:
    told: list[str] = []
    history = History()
    each = history.add("MapStateEntered", "For each solution", 0, 0)
    first = history.add("TaskStateEntered", "Train", 1, each, solution="for-you")
    second = history.add("TaskStateEntered", "Train", 2, each, solution="similar")
    teller = Teller(told.append)
    assert teller.tell(history.events)
    assert teller.going_on() == ["Train: for-you", "Train: similar"]
    history.add("TaskStateExited", "Train", 5, second)
    history.add("TaskStateExited", "Train", 9, first)
    assert teller.tell(history.events)
    assert told == [
        "... For each solution",
        "    3.0 s  Train: similar",
        "    8.0 s  Train: for-you",
    ]
    assert not teller.tell(history.events)


def test_a_run_is_followed_to_its_end_and_long_silence_is_filled() -> None:
    told: list[str] = []
    slept: list[float] = []
    history = History()
    entered = history.add("TaskStateEntered", "Train", 0, 0)

    class Client:
        """Step Functions, which ends the run after a long while."""

        def describe_execution(self, **_: str) -> dict[str, str]:
            """How the run stands."""
            if sum(slept) > SILENCE_SECONDS:
                history.add("TaskStateExited", "Train", 11, entered)
                return {"status": "SUCCEEDED"}
            return {"status": "RUNNING"}

        def get_execution_history(self, **_: object) -> dict[str, Any]:
            """What has happened so far."""
            return {"events": list(history.events)}

    assert follow(Client(), "arn", told.append, slept.append) == "SUCCEEDED"
    assert told == ["... Train", "   11.0 s  Train"]
