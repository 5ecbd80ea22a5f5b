"""The gaps around moto's Step Functions interpreter."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recdrop.local.stack import Stack
from tests.recdrop.conftest import ended, run_machine, task

INVOKE = "arn:aws:states:::lambda:invoke"


def test_the_templates_state_machine_executes(stack: Stack) -> None:
    states = stack.boto_client("stepfunctions")
    arn = states.start_execution(stateMachineArn=stack.outputs["StateMachineArn"], name="by-hand")[
        "executionArn"
    ]
    described = ended(stack, arn)
    assert json.loads(described["output"])["check"] == {"token": "by-hand", "attempts": 3}


def test_definition_substitutions_and_context_paths_survive(stack: Stack) -> None:
    machine = stack.boto_client("stepfunctions").describe_state_machine(
        stateMachineArn=stack.outputs["StateMachineArn"]
    )
    check = json.loads(machine["definition"])["States"]["Check"]
    assert check["Parameters"]["FunctionName"].endswith(f":function:{stack.resources['Check']}")
    assert check["Parameters"]["Payload"]["token.$"] == "$$.Execution.Name"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda s, arn: s.start_execution(stateMachineArn=arn, input="{"), "InvalidExecutionInput"),
        (
            lambda s, arn: s.update_state_machine(stateMachineArn=arn, definition="{}"),
            "InvalidDefinition",
        ),
        (lambda s, arn: s.start_execution(stateMachineArn=arn, name="a/b"), "InvalidName"),
    ],
)
def test_step_functions_errors_have_codes(stack: Stack, call: Any, code: str) -> None:
    with pytest.raises(ClientError) as error:
        call(stack.boto_client("stepfunctions"), stack.outputs["StateMachineArn"])
    assert error.value.response["Error"]["Code"] == code


def test_starts_without_a_name_get_one_each(stack: Stack) -> None:
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    first, second = (run_machine(stack, definition, "nameless") for _ in range(2))
    assert len({first["name"], second["name"], "None"}) == 3


def test_times_in_the_state_data_are_text(stack: Stack) -> None:
    definition = {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Pass", "Parameters": {"at.$": "$$.Execution.StartTime"}, "End": True}
        },
    }
    assert json.loads(run_machine(stack, definition, "times")["output"])["at"].endswith("Z")


def test_a_definition_is_parsed_once(stack: Stack) -> None:
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    text = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    assert AmazonStateLanguageParser.parse(text)[0] is AmazonStateLanguageParser.parse(text)[0]


def test_a_cached_definition_keeps_retry_counts_apart(stack: Stack) -> None:
    retry = [{"ErrorEquals": ["ResourcePending"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    parameters = {
        "FunctionName": stack.resources["Check"],
        "Payload": {"token.$": "$$.Execution.Name", "pending.$": "$.pending"},
    }
    definition = task(INVOKE, parameters, Retry=retry)
    with ThreadPoolExecutor(8) as pool:
        ends = list(
            pool.map(
                lambda n: run_machine(stack, definition, "cached", {"pending": 3 + n % 2}), range(8)
            )
        )
    assert [end["status"] for end in ends] == ["SUCCEEDED", "FAILED"] * 4
