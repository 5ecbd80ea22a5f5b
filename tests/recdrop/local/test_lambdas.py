"""The Lambda host, in process and over HTTP, and faults as Step Functions sees them."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recdrop.local.lambdas import (
    PAYLOAD_LIMIT,
    Answer,
    Context,
    Fault,
    FaultPlan,
    Function,
    InvokeError,
    LambdaHost,
    call,
)
from recdrop.local.stack import Stack
from tests.recdrop.conftest import eventually, fetch, run_machine, task

CONTEXT = Context(Function("shop-check", "app.check"), "request-1")


@pytest.fixture
def faults(stack: Stack) -> Iterator[FaultPlan]:
    """The stack's fault plan, empty before and after."""
    stack.lambdas.faults.clear()
    yield stack.lambdas.faults
    stack.lambdas.faults.clear()


def document(answer: Answer) -> Any:
    """The payload of an answer."""
    return json.loads(answer.payload)


def test_results_go_through_json() -> None:
    answer = call(lambda event, _: {"seen": event, "pair": (1, 2)}, {"a": 1}, CONTEXT)
    assert document(answer) == {"seen": {"a": 1}, "pair": [1, 2]}
    assert not answer.failed


@pytest.mark.parametrize("result", [{"body": b"bytes"}, {"at": object()}, {1, 2}])
def test_results_that_are_not_json_fail_as_on_aws(result: Any) -> None:
    answer = call(lambda *_: result, {}, CONTEXT)
    assert answer.failed
    assert document(answer)["errorType"] == "Runtime.MarshalError"


def test_errors_name_their_class_message_and_trace() -> None:
    def handler(_event: Any, _context: Any) -> None:
        raise LookupError("no such item")

    error = document(call(handler, {}, CONTEXT))
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no such item")
    assert "no such item" in error["stackTrace"][0]


def test_an_exit_is_a_runtime_exit() -> None:
    def handler(_event: Any, _context: Any) -> None:
        raise SystemExit(1)

    assert document(call(handler, {}, CONTEXT))["errorType"] == "Runtime.ExitError"


def test_results_above_six_megabytes_fail() -> None:
    assert (
        document(call(lambda *_: "x" * PAYLOAD_LIMIT, {}, CONTEXT))["errorType"]
        == "Function.ResponseSizeTooLarge"
    )


def test_differing_environments_are_refused(tmp_path: Path) -> None:
    functions = [
        Function("a", "app.a", environment={"X": "1"}),
        Function("b", "app.b", environment={"X": "2"}),
    ]
    with pytest.raises(ValueError, match="'X' is '1' in a and '2' in b"):
        LambdaHost().deploy(functions, tmp_path)


def test_a_handler_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "nothing_here.py").write_text("")
    with pytest.raises(TypeError, match=r"nothing_here\.work"):
        LambdaHost().deploy([Function("a", "nothing_here.work")], tmp_path)


@pytest.mark.parametrize(
    ("name", "payload", "status", "code"),
    [
        ("no-such", b"{}", 404, "ResourceNotFoundException"),
        ("recdrop-Check", b"{", 400, "InvalidRequestContentException"),
        ("recdrop-Check", b'"' + b"x" * PAYLOAD_LIMIT + b'"', 413, "RequestTooLargeException"),
    ],
)
def test_refused_calls_have_the_services_codes(
    stack: Stack, name: str, payload: bytes, status: int, code: str
) -> None:
    with pytest.raises(InvokeError) as error:
        stack.lambdas.invoke(name, payload)
    assert (error.value.status, error.value.code) == (status, code)
    with pytest.raises(ClientError) as over_http:
        stack.boto_client("lambda").invoke(FunctionName=name, Payload=payload)
    assert over_http.value.response["Error"]["Code"] == code


def test_boto3_invokes_by_name_and_by_arn(stack: Stack) -> None:
    client = stack.boto_client("lambda")
    name = stack.resources["Check"]
    for target in (name, f"arn:aws:lambda:us-east-1:123456789012:function:{name}"):
        answer = client.invoke(FunctionName=target, Payload=json.dumps({"token": target}))
        assert json.load(answer["Payload"])["attempts"] == 1
    failed = client.invoke(
        FunctionName=name, Payload=json.dumps({"token": "pending", "pending": 1})
    )
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorType"] == "ResourcePending"


def test_dry_runs_and_events_do_not_wait(stack: Stack) -> None:
    client, name = stack.boto_client("lambda"), stack.resources["Check"]
    assert client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    payload = json.dumps({"token": "async"})
    assert (
        client.invoke(FunctionName=name, InvocationType="Event", Payload=payload)["StatusCode"]
        == 202
    )
    eventually(lambda: stack.invoke("Check", {"token": "async"})["attempts"] >= 2)


def test_asynchronous_failures_are_tried_three_times(tmp_path: Path) -> None:
    (tmp_path / "flaky_module.py").write_text(
        "calls = []\ndef work(event, context):\n    calls.append(1)\n    raise ValueError('again')\n"
    )
    slept: list[float] = []
    host = LambdaHost(sleep=slept.append)
    host.deploy([Function("flaky", "flaky_module.work")], tmp_path)
    host.invoke_later("flaky", b"{}")
    assert host.wait_idle(10)
    calls = sys.modules["flaky_module"].calls
    assert (len(calls), slept) == (3, [1.0, 2.0])


def test_a_handler_that_takes_too_long_is_timed_out(stack: Stack) -> None:
    answer = stack.lambdas.invoke(stack.resources["Slow"], b'{"seconds": 1.2}')
    assert document(answer)["errorType"] == "Sandbox.Timedout"
    assert 0 < stack.invoke("Slow", {"seconds": 0})["left"] <= 1000


def test_a_caller_may_have_less_patience_than_the_function(stack: Stack) -> None:
    answer = stack.lambdas.invoke(stack.resources["Slow"], b'{"seconds": 0.3}', patience=0.05)
    assert "timed out after 0.05 seconds" in document(answer)["errorMessage"]


def test_the_context_is_that_of_the_function(stack: Stack) -> None:
    assert (
        CONTEXT.invoked_function_arn == "arn:aws:lambda:us-east-1:123456789012:function:shop-check"
    )
    assert CONTEXT.log_group_name == "/aws/lambda/shop-check"
    assert len(stack.invoke("Check", {"token": "context"})["request"]) == 36


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


def test_concurrent_requests_see_their_own(stack: Stack) -> None:
    seen: dict[str, Any] = {}

    def ask(name: str) -> None:
        seen[name] = json.loads(fetch(f"{stack.api_url}/hello/{name}?sleep=0.05")[2])["seen"]

    threads = [threading.Thread(target=ask, args=(f"n{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {f"n{n}": f"n{n}" for n in range(12)}
