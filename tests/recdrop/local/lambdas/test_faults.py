"""Planned failures, and how Step Functions sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from recdrop.local.lambdas.faults import Fault, FaultPlan
from recdrop.local.stack import Stack
from tests.recdrop.conftest import fetch, run_machine, task


@pytest.fixture
def faults(stack: Stack) -> Iterator[FaultPlan]:
    """The stack's fault plan, empty before and after."""
    stack.lambdas.faults.clear()
    yield stack.lambdas.faults
    stack.lambdas.faults.clear()


def test_faults_are_used_up_in_order() -> None:
    plan = FaultPlan()
    plan.add(Fault("Train", times=2))
    plan.add(Fault("Train", when="after"))
    taken = [plan.take("recdrop-Train") for _ in range(4)]
    assert [fault.when if fault else None for fault in taken] == ["before", "before", "after", None]
    assert plan.take("recdrop-Score") is None


@pytest.mark.parametrize("fields", [{"when": "never"}, {"times": 0}])
def test_impossible_faults_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Expected"):
        Fault("Train", **fields)


@pytest.mark.parametrize(
    ("fault", "work_done"),
    [
        (Fault("Check", "before"), 1),
        (Fault("Check", "after"), 2),
        (Fault("Check", "before", "Sandbox.Timedout"), 1),
        (Fault("Check", "throttle"), 1),
    ],
)
def test_a_killed_lambda_is_retried_by_the_state_machine(
    stack: Stack, faults: FaultPlan, fault: Fault, work_done: int
) -> None:
    retry = {
        "ErrorEquals": ["Lambda.Unknown", "Sandbox.Timedout", "Lambda.TooManyRequestsException"],
        "IntervalSeconds": 1,
        "MaxAttempts": 1,
    }
    parameters = {
        "FunctionName": stack.resources["Check"],
        "Payload": {"token.$": "$$.Execution.Name"},
    }
    faults.add(fault)
    run = run_machine(
        stack, task("arn:aws:states:::lambda:invoke", parameters, Retry=[retry]), "killed"
    )
    assert run["status"] == "SUCCEEDED"
    assert json.loads(run["output"])["Payload"]["attempts"] == work_done


def test_a_killed_lambda_without_a_retry_fails_the_run(stack: Stack, faults: FaultPlan) -> None:
    faults.add(Fault("Check", "after", "Runtime.ExitError"))
    parameters = {"FunctionName": stack.resources["Check"], "Payload": {"token": "fails"}}
    run = run_machine(stack, task("arn:aws:states:::lambda:invoke", parameters), "killed-for-good")
    assert (run["status"], run["error"]) == ("FAILED", "Runtime.ExitError")


def test_faults_are_planned_over_http(stack: Stack, faults: FaultPlan) -> None:
    url = f"{stack.aws_url}/_recdrop/faults"
    assert fetch(url, b'{"function": "Check", "times": 2}')[0] == 201
    assert json.loads(fetch(url)[2])["faults"][0]["error"] == "Lambda.Unknown"
    assert fetch(url, b'{"function": "Check", "when": "never"}')[0] == 400
    assert fetch(url, method="DELETE")[0] == 200
    assert faults.pending() == []
