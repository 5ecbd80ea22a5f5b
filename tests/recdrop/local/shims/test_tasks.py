"""The gaps of its tasks."""

from __future__ import annotations

import json

from recdrop.local.stack import Stack
from tests.recdrop.conftest import run_machine, task

INVOKE = "arn:aws:states:::lambda:invoke"


def test_sdk_tasks_speak_pascal_case(stack: Stack) -> None:
    resource = "arn:aws:states:::aws-sdk:dynamodb:describeTable"
    described = run_machine(
        stack, task(resource, {"TableName": stack.resources["Ledger"]}), "pascal"
    )
    table = json.loads(described["output"])["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["CreationDateTime"].endswith("Z")


def test_sdk_errors_carry_the_services_pascal_case_name(stack: Stack) -> None:
    resource = "arn:aws:states:::aws-sdk:ssm:getParameter"
    described = run_machine(stack, task(resource, {"Name": "no-such"}), "pascal-error")
    assert (
        described["error"] == "Ssm.ParameterNotFoundException"
        or described["error"] == "Ssm.ParameterNotFound"
    )


def test_tasks_call_this_stack_and_lambdas_in_process(stack: Stack) -> None:
    definition = task(
        INVOKE, {"FunctionName": stack.resources["Check"], "Payload": {"token": "in-process"}}
    )
    output = json.loads(run_machine(stack, definition, "in-process")["output"])
    assert output["StatusCode"] == 200
    assert output["Payload"]["attempts"] == 1


def test_an_unknown_function_is_an_error_of_lambda(stack: Stack) -> None:
    described = run_machine(stack, task(INVOKE, {"FunctionName": "no-such"}), "no-such-function")
    assert described["error"] == "Lambda.ResourceNotFoundException"
