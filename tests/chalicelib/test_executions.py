from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import names
from chalicelib.errors import AccessDenied
from chalicelib.executions import StateMachine
from tests.chalicelib.town import FakeStateMachine


class Refusing(FakeStateMachine):
    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def start_execution(self, **_arguments: Any) -> dict[str, str]:
        raise ClientError({"Error": {"Code": self.code, "Message": ""}}, "StartExecution")


def machine(client: Any) -> StateMachine:
    return StateMachine(client, "arn:aws:states:us-east-1:000000000000:stateMachine:pipeline")


def test_an_execution_is_named_by_its_run_and_gets_group_and_run() -> None:
    client = FakeStateMachine()
    machine(client).start("shop", "abc")
    assert {name: json.loads(given) for name, given in client.started.items()} == {
        names.execution("shop", "abc"): {"group": "shop", "run": "abc"}
    }


def test_an_execution_that_there_is_already_is_the_one_that_was_wanted() -> None:
    machine(Refusing("ExecutionAlreadyExists")).start("shop", "abc")


def test_another_refusal_is_told() -> None:
    with pytest.raises(AccessDenied):
        machine(Refusing("AccessDeniedException")).start("shop", "abc")


def test_an_execution_has_a_status_once_it_was_started() -> None:
    found = machine(FakeStateMachine())
    assert found.status("shop", "abc") is None
    found.start("shop", "abc")
    assert found.status("shop", "abc") == "RUNNING"


def test_the_history_comes_in_one_piece() -> None:
    client = FakeStateMachine(events=[{"id": 1}, {"id": 2}])
    assert [event["id"] for event in machine(client).history("arn")] == [1, 2]
