"""Retries inside a deadline, and failures by what can be done about them."""

from __future__ import annotations

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

from chalicelib.errors import (
    AccessDenied,
    AwsError,
    Missing,
    Refused,
    ServiceUnavailable,
    Throttled,
)
from chalicelib.serving.calls import Caller, Deadline
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
        service_error("ResourceInUseException"),
        service_error("AccessDeniedException", status=403),
        service_error("ExpiredTokenException", status=403),
        ReadTimeoutError(endpoint_url="x"),
        NoCredentialsError(),
        ParamValidationError(report="x"),
    ],
)
def test_what_will_not_pass_is_tried_once(failure: Exception) -> None:
    clock = Clock()
    operation = Operation(clock, failure)
    with pytest.raises(AwsError):
        make_caller(clock).call(operation, {}, Deadline.after(25, clock))
    assert operation.calls == 1


def test_no_attempt_starts_after_the_deadline() -> None:
    clock = Clock()
    operation = Operation(clock, FAULT, FAULT, FAULT, seconds=2)
    with pytest.raises(ServiceUnavailable):
        make_caller(clock).call(operation, {}, Deadline.after(3, clock))
    assert operation.calls == 2
    with pytest.raises(ServiceUnavailable, match="DeadlineExceeded"):
        make_caller(clock).call(operation, {}, Deadline.after(0, clock))
    assert operation.calls == 2


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (service_error("ResourceNotFoundException"), Missing),
        (service_error("ResourceInUseException"), Missing),
        (
            service_error("InvalidInputException", "in status CREATE PENDING. Expected ACTIVE."),
            Missing,
        ),
        (service_error("InvalidInputException", "userId is too long"), Refused),
        (ParamValidationError(report="x"), Refused),
        (service_error("LimitExceededException"), Throttled),
        (service_error("AccessDeniedException", status=403), AccessDenied),
        (FAULT, ServiceUnavailable),
    ],
)
def test_a_failure_comes_out_as_what_can_be_done_about_it(
    error: Exception, kind: type[AwsError]
) -> None:
    clock = Clock()
    with pytest.raises(AwsError) as caught:
        make_caller(clock).call(Operation(clock, *[error] * 3), {}, Deadline.after(25, clock))
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
