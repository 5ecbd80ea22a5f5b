"""Retries inside a deadline, and botocore's exceptions by what can be done about them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from chalicelib.serving.runtime import (
    Broken,
    Caller,
    CallError,
    Deadline,
    Missing,
    Refused,
    Throttled,
    classify,
)
from tests.chalicelib.house import FAULT, THROTTLE, Clock, service_error


class Operation:
    """Raises what the script holds, in turn; answers after its end."""

    def __init__(self, clock: Clock, *script: Exception, seconds: float = 0.0) -> None:
        self.clock, self.script, self.seconds = clock, list(script), seconds
        self.calls = 0

    def __call__(self, **arguments: Any) -> Mapping[str, Any]:
        self.calls += 1
        self.clock.seconds += self.seconds
        if self.script:
            raise self.script.pop(0)
        return arguments


def make_caller(clock: Clock) -> Caller:
    return Caller(clock.sleep, lambda: 0.5)


def test_an_answer_is_returned_as_it_is() -> None:
    clock = Clock()
    assert make_caller(clock).call(Operation(clock), {"a": 1}, Deadline.after(1, clock)) == {"a": 1}
    assert clock.slept == []


@pytest.mark.parametrize(
    "failure",
    [
        THROTTLE,
        FAULT,
        ConnectTimeoutError(endpoint_url="x"),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_what_may_pass_is_tried_three_times_with_growing_pauses(failure: Exception) -> None:
    clock = Clock()
    operation = Operation(clock, failure, failure)
    assert make_caller(clock).call(operation, {}, Deadline.after(25, clock)) == {}
    assert operation.calls == 3
    assert clock.slept == [0.05, 0.1]


@pytest.mark.parametrize(
    "failure",
    [
        service_error("InvalidInputException"),
        service_error("ResourceNotFoundException"),
        service_error("AccessDeniedException"),
        ReadTimeoutError(endpoint_url="x"),
        NoCredentialsError(),
        ParamValidationError(report="x"),
    ],
)
def test_what_will_not_pass_is_tried_once(failure: Exception) -> None:
    clock = Clock()
    operation = Operation(clock, failure)
    with pytest.raises(CallError):
        make_caller(clock).call(operation, {}, Deadline.after(25, clock))
    assert operation.calls == 1


def test_no_attempt_starts_after_the_deadline() -> None:
    clock = Clock()
    operation = Operation(clock, FAULT, FAULT, FAULT, seconds=2)
    with pytest.raises(Broken):
        make_caller(clock).call(operation, {}, Deadline.after(3, clock))
    assert operation.calls == 2
    with pytest.raises(Broken, match="DeadlineExceeded"):
        make_caller(clock).call(operation, {}, Deadline.after(0, clock))
    assert operation.calls == 2


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (service_error("ThrottlingException"), Throttled, "ThrottlingException"),
        (service_error("LimitExceededException"), Throttled, "LimitExceededException"),
        (service_error("Whatever", status=429), Throttled, "Whatever"),
        (service_error("InvalidInputException"), Refused, "InvalidInputException"),
        (
            service_error("InvalidInputException", "in status CREATE PENDING. Expected ACTIVE."),
            Missing,
            "InvalidInputException",
        ),
        (service_error("ResourceNotFoundException"), Missing, "ResourceNotFoundException"),
        (service_error("AccessDeniedException", status=403), Broken, "AccessDeniedException"),
        (service_error("InternalFailure", status=500), Broken, "InternalFailure"),
        (ParamValidationError(report="x"), Refused, "ParamValidationError"),
        (NoCredentialsError(), Broken, "NoCredentialsError"),
    ],
)
def test_errors_are_told_apart_by_their_code(
    error: Exception, kind: type[CallError], code: str
) -> None:
    found = classify(error)
    assert type(found) is kind
    assert found.code == code


def test_the_serving_side_is_imported_without_botocore_numpy_or_moto() -> None:
    """Beside Powertools, which brings botocore itself where it is installed: only our own modules
    are looked at.
    """
    program = (
        "import sys, aws_lambda_powertools, chalice\n"
        "before = set(sys.modules)\n"
        "import chalicelib.serving.api\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("boto3", "botocore", "numpy", "moto", "duckdb", "local", "recommender"):
        assert f"'{heavy}'" not in loaded
