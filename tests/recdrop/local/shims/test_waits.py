"""The gaps of its Retry and Wait."""

from __future__ import annotations

import json
import time
import uuid

from recdrop.local.stack import Stack
from tests.recdrop.conftest import SCALE, ended, eventually, run_machine, task

INVOKE = "arn:aws:states:::lambda:invoke"


def test_retries_wait_scaled_seconds_and_stop_when_the_run_is_stopped(stack: Stack) -> None:
    payload = {"token": str(uuid.uuid4()), "pending": 99}
    retry = [
        {"ErrorEquals": ["ResourcePending"], "IntervalSeconds": SCALE * 3600, "MaxAttempts": 9}
    ]
    definition = task(
        INVOKE, {"FunctionName": stack.resources["Check"], "Payload": payload}, Retry=retry
    )
    states = stack.boto_client("stepfunctions")
    machine = states.create_state_machine(
        name="long-retry",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    eventually(lambda: len(states.get_execution_history(executionArn=arn)["events"]) > 4)
    states.stop_execution(executionArn=arn, error="Enough", cause="for a test")
    described = ended(stack, arn)
    assert described["status"] == "ABORTED"


def test_waits_are_scaled(stack: Stack) -> None:
    definition = {
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": SCALE // 4, "End": True}},
    }
    began = time.monotonic()
    assert run_machine(stack, definition, "scaled-wait")["status"] == "SUCCEEDED"
    assert 0.2 < time.monotonic() - began < SCALE // 4
