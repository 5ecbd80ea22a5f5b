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
    """Tells the states of an execution until it ends. Answers its status."""
    teller, silent = Teller(say), 0.0
    while True:
        status: str = client.describe_execution(executionArn=execution_arn)["status"]
        if teller.tell(
            client.get_execution_history(executionArn=execution_arn, maxResults=1000)["events"]
        ):
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

    An entry and its exit are paired along the chain of previous events.
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
        """`events` is the whole history so far.

        Whether a state began or ended since the last call.
        """
        before = len(self._entered), len(self._open)
        parents = {event["id"]: event.get("previousEventId", 0) for event in events}
        for event in events[self._told :]:
            if details := event.get("stateEnteredEventDetails"):
                self._entered[event["id"]] = (_label(details), event["timestamp"])
                if not event["type"].startswith("Map"):
                    self._open[event["id"]] = self._entered[event["id"]][0]
                else:
                    self._say(f"... {details['name']}")
            elif details := event.get("stateExitedEventDetails"):
                self._exited(details["name"], event, parents)
        self._told = len(events)
        return before != (len(self._entered), len(self._open))

    def _exited(self, name: str, event: dict[str, Any], parents: dict[int, int]) -> None:
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
