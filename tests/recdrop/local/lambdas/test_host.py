"""The Lambda host, in process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from recdrop.local.lambdas.function import Answer, Context, Function
from recdrop.local.lambdas.host import PAYLOAD_LIMIT, LambdaHost, call
from recdrop.local.stack import Stack

CONTEXT = Context(Function("shop-check", "app.check"), "request-1")


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
    answer = stack.lambdas.invoke(stack.resources["Slow"], b'{"seconds": 4}')
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
