from __future__ import annotations

import json
from typing import Any

from chalicelib import history


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
    train, score, _ = history.stages(EVENTS)
    assert (train.name, train.seconds, train.failures) == ("Train", 5.0, 1)
    assert (score.name, score.seconds, score.failures) == ("Score", 3.0, 0)


def test_a_failure_names_the_state_that_failed_so_along_the_chain_of_events() -> None:
    error = {
        "Error": "ResourceFailed",
        "Cause": json.dumps({"errorMessage": "no memory", "errorType": "ResourceFailed"}),
    }
    assert str(history.failure(error, EVENTS)) == "ResourceFailed in 'Train': no memory"


def test_a_cause_that_is_no_json_is_told_as_it_is() -> None:
    assert (
        history.failure({"Error": "States.Timeout", "Cause": "too slow"}, []).message == "too slow"
    )
    assert history.failure({"Error": "States.Timeout"}, []).message == ""
