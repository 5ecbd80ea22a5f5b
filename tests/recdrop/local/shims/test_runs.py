"""The gaps of its executions."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from recdrop.local.shims import runs
from recdrop.local.stack import Stack
from tests.recdrop.conftest import SCALE, ended, eventually, run_machine, task

INVOKE = "arn:aws:states:::lambda:invoke"


def test_a_stopped_run_says_why(stack: Stack) -> None:
    definition = {
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": SCALE * 3600, "End": True}},
    }
    states = stack.boto_client("stepfunctions")
    machine = states.create_state_machine(
        name="stopped",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    states.stop_execution(executionArn=arn, error="Enough", cause="for a test")
    described = ended(stack, arn)
    assert (described["error"], described["cause"]) == ("Enough", "for a test")
    first = described["stopDate"]
    states.stop_execution(executionArn=arn, error="Again")
    again = ended(stack, arn)
    assert (again["error"], again["stopDate"]) == ("Enough", first)


def test_old_executions_are_forgotten(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT_EXECUTIONS", 2)
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    last = [run_machine(stack, definition, "many") for _ in range(4)][-1]
    states = stack.boto_client("stepfunctions")
    arn = last["stateMachineArn"]
    eventually(lambda: len(states.list_executions(stateMachineArn=arn)["executions"]) == 2)


def test_histories_come_in_pages_and_backwards(stack: Stack) -> None:
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    arn = run_machine(stack, definition, "history")["executionArn"]
    states = stack.boto_client("stepfunctions")
    whole = states.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in whole] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=arn, maxResults=3, reverseOrder=True
    )
    assert [event["id"] for page in pages for event in page["events"]] == [4, 3, 2, 1]


def test_a_failed_run_can_be_redriven(stack: Stack) -> None:
    parameters = {
        "FunctionName": stack.resources["Check"],
        "Payload": {"token.$": "$$.Execution.Name", "pending": 1},
    }
    failed = run_machine(stack, task(INVOKE, parameters), "redrive")
    assert failed["status"] == "FAILED"
    states = stack.boto_client("stepfunctions")
    states.redrive_execution(executionArn=failed["executionArn"])
    assert ended(stack, failed["executionArn"])["status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="Expected FAILED"):
        states.redrive_execution(executionArn=failed["executionArn"])
