"""Stacks for the tests of the local AWS, on the small application in `sample/`."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from recdrop.local.stack import Stack

SAMPLE = Path(__file__).with_name("sample")
SCALE = 200
T = TypeVar("T")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A running stack of the sample application; waits are 200 times shorter."""
    with Stack(SAMPLE, scale=SCALE, scale_others=SCALE, personalize=False) as running:
        yield running


def eventually(look: Callable[[], T | None], seconds: float = 20) -> T:
    """The first answer of `look` that is not None or empty."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.02)
    return found


def run_machine(
    stack: Stack, definition: dict[str, Any], name: str, given: Any = None
) -> dict[str, Any]:
    """Run a one-off state machine to its end; what DescribeExecution says."""
    states = stack.boto_client("stepfunctions")
    machine = states.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/any"
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))[
        "executionArn"
    ]
    return ended(stack, arn)


def ended(stack: Stack, arn: str) -> dict[str, Any]:
    """The description of an execution once it has ended."""
    states = stack.boto_client("stepfunctions")

    def look() -> dict[str, Any] | None:
        described: dict[str, Any] = states.describe_execution(executionArn=arn)
        return described if described["status"] != "RUNNING" else None

    return eventually(look)


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A machine of one task."""
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}
    return {"StartAt": "Work", "States": {"Work": state}}


def fetch(
    url: str, body: bytes | None = None, method: str | None = None, **headers: str
) -> tuple[int, Any, bytes]:
    """Status, headers and body of a request, whatever the status."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    # urllib's own type is that of a form, which the ports refuse.
    sent = {"Content-Type": "application/json", **sent}
    request = urllib.request.Request(url, body, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
