"""A run of the state machine as lines of text, one when each state ends, told while it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

POLL_SECONDS = 0.5
SILENCE_SECONDS = 10.0  # after which the states that go on are named
QUIET = frozenset({"Is there a new export?", "Did the run succeed?", "Done"})


def follow(
    client: Any,
    execution_arn: str,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Tell the states of an execution until it ends; its status."""
    teller, silent = Teller(say), 0.0
    while True:
        # The status first: when it says that the run has ended, the history is complete.
        status: str = client.describe_execution(executionArn=execution_arn)["status"]
        history = client.get_execution_history(executionArn=execution_arn, maxResults=1000)
        if teller.tell(history["events"]):
            silent = 0.0
        if status != "RUNNING":
            return status
        if silent >= SILENCE_SECONDS:
            say(f"... {', '.join(teller.going_on())}")
            silent = 0.0
        sleep(POLL_SECONDS)
        silent += POLL_SECONDS


class Teller:
    """Remembers what was told.

    Inside a Map many states of one name run at the same time. So an exit is paired with its entry
    along the chain of previous events, not by name.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told = 0
        self._entered: dict[int, tuple[str, Any]] = {}
        self._open: dict[int, str] = {}

    def going_on(self) -> list[str]:
        """The innermost states that were entered and not left."""
        return list(self._open.values())

    def tell(self, events: list[dict[str, Any]]) -> bool:
        """Tell what is new in `events`, the whole history so far.

        Answers whether a state began or ended since the last call.
        """
        before = len(self._entered), len(self._open)
        parents = {event["id"]: event.get("previousEventId", 0) for event in events}
        for event in events[self._told :]:
            if details := event.get("stateEnteredEventDetails"):
                label = _label(details)
                self._entered[event["id"]] = (label, event["timestamp"])
                if event["type"].startswith("Map"):
                    # What goes on is told by the states inside it.
                    self._say(f"... {details['name']}")
                else:
                    self._open[event["id"]] = label
            elif details := event.get("stateExitedEventDetails"):
                self._exited(details["name"], event, parents)
        self._told = len(events)
        return before != (len(self._entered), len(self._open))

    def _exited(self, name: str, event: dict[str, Any], parents: dict[int, int]) -> None:
        # Walk back to the entry; 0 is the beginning of the chain.
        at = event["id"]
        while at and not (at in self._entered and self._entered[at][0].startswith(name)):
            at = parents.get(at, 0)
        self._open.pop(at, None)
        if at and name not in QUIET:
            label, began = self._entered[at]
            self._say(f"{(event['timestamp'] - began).total_seconds():7.1f} s  {label}")


def _label(details: dict[str, Any]) -> str:
    """The state's name with what a Map gave it: its dataset or its solution."""
    try:
        given = json.loads(details.get("input", "{}"))
    except ValueError:  # cut short by the service
        given = {}
    what = given.get("solution") or given.get("dataset") if isinstance(given, dict) else None
    return f"{details['name']}: {what}" if what else str(details["name"])
