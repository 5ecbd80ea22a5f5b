from __future__ import annotations

import json
from typing import Any

from chalicelib.documents import StateError
from chalicelib.reports.history import History


def event(number: int, kind: str, previous: int = 0, **details: Any) -> dict[str, Any]:
    return {
        "id": number,
        "previousEventId": previous,
        "type": kind,
        "timestamp": 100.0 + number,
        **details,
    }


def entered(number: int, name: str, previous: int = 0) -> dict[str, Any]:
    return event(number, "TaskStateEntered", previous, stateEnteredEventDetails={"name": name})


def exited(number: int, name: str, previous: int = 0) -> dict[str, Any]:
    return event(number, "TaskStateExited", previous, stateExitedEventDetails={"name": name})


# Two branches of a Map run side by side: the failure's chain leads to its own state, not to the one
# entered last.
EVENTS = [
    event(1, "ExecutionStarted"),
    entered(2, "Train", 1),
    entered(3, "Score", 1),
    event(4, "TaskScheduled", 2),
    event(5, "TaskFailed", 4, taskFailedEventDetails={"error": "ResourceFailed"}),
    exited(6, "Score", 3),
    exited(7, "Train", 5),
    entered(8, "Roll back", 7),
    event(9, "TaskFailed", 8, taskFailedEventDetails={"error": "ResourcePending"}),
]


def test_stages_tell_when_a_state_began_and_ended_and_how_often_it_failed() -> None:
    train, score, _ = History(EVENTS).stages()
    assert (train.name, train.seconds, train.failures) == ("Train", 5.0, 1)
    assert (score.name, score.seconds, score.failures) == ("Score", 3.0, 0)


def test_a_failure_names_the_state_that_failed_so_along_the_chain_of_events() -> None:
    cause = json.dumps({"errorMessage": "no memory", "errorType": "ResourceFailed"})
    error = StateError(error="ResourceFailed", cause=cause)
    assert str(History(EVENTS).failure(error)) == "ResourceFailed in 'Train': no memory"


def test_a_cause_that_is_no_json_is_told_as_it_is() -> None:
    slow = StateError(error="States.Timeout", cause="too slow")
    assert History([]).failure(slow).message == "too slow"
    assert History([]).failure(StateError(error="States.Timeout")).message == ""


def test_a_state_of_a_map_is_one_stage_for_each_solution() -> None:
    def train(number: int, solution: str) -> dict[str, Any]:
        details = {"name": "Train", "input": json.dumps({"run": "r", "solution": solution})}
        return event(number, "TaskStateEntered", 1, stateEnteredEventDetails=details)

    events = [
        event(1, "MapIterationStarted"),
        train(2, "for-you"),
        train(3, "similar"),
        exited(4, "Train", 3),
        event(5, "TaskFailed", 2, taskFailedEventDetails={"error": "ResourceFailed"}),
        exited(9, "Train", 5),
    ]
    for_you, similar = History(events).stages()
    assert (for_you.of, for_you.seconds, for_you.failures) == ("for-you", 7.0, 1)
    assert (similar.of, similar.seconds, similar.failures) == ("similar", 1.0, 0)
