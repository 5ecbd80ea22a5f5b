from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib import errors
from chalicelib.personalize.ensure import create_once, describe_if_there, ensure, ready


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Create")


class Resource:
    """A resource that is not there until it is created."""

    def __init__(self, status: str = "ACTIVE", *, there: bool = False) -> None:
        self.status, self.there, self.created = status, there, 0

    def describe(self) -> dict[str, Any]:
        if not self.there:
            raise refusal("ResourceNotFoundException")
        return {"status": self.status, "failureReason": "no memory"}

    def create(self) -> str:
        self.there, self.created = True, self.created + 1
        return "arn"


def test_what_is_there_is_not_made_again() -> None:
    resource = Resource(there=True)
    assert ensure("x", resource.describe, resource.create)["status"] == "ACTIVE"
    assert resource.created == 0


def test_what_is_not_there_is_made_once_and_waited_for() -> None:
    resource = Resource("CREATE IN_PROGRESS")
    for _ in range(3):
        with pytest.raises(errors.ResourcePending, match="x: CREATE IN_PROGRESS"):
            ensure("x", resource.describe, resource.create)
    assert resource.created == 1


@pytest.mark.parametrize("status", ["CREATE FAILED", "UPDATE FAILED", "CREATE STOPPED"])
def test_what_failed_says_why(status: str) -> None:
    with pytest.raises(errors.ResourceFailed, match=f"x: {status}: no memory"):
        ready("x", Resource(status, there=True).describe())


def test_a_kind_without_a_status_is_ready() -> None:
    assert ready("schema", {"name": "s"}) == {"name": "s"}


def raising(error: Exception) -> Any:
    def create() -> None:
        raise error

    return create


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("ResourceInUseException"), errors.ResourcePending),
        (
            refusal("LimitExceededException", "More than 5 resources with PENDING status."),
            errors.ResourcePending,
        ),
        (
            refusal("LimitExceededException", "More than 5 campaigns in ACTIVE state."),
            errors.ResourceFailed,
        ),
        (refusal("LimitExceededException", "Too many."), errors.Throttled),
        (refusal("ThrottlingException", "IN_PROGRESS"), errors.Throttled),
        (refusal("AccessDeniedException"), errors.AccessDenied),
        (ReadTimeoutError(endpoint_url="x"), errors.ServiceUnavailable),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[-40:],
)
def test_a_creation_that_is_refused_waits_fails_or_is_tried_again(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        create_once("x", raising(error))


def test_somebody_elses_creation_is_as_good() -> None:
    assert create_once("x", raising(refusal("ResourceAlreadyExistsException"))) is None
    assert create_once("x", lambda: "arn") == "arn"


def test_only_absence_counts_as_absent() -> None:
    assert describe_if_there(raising(refusal("ResourceNotFoundException"))) is None
    with pytest.raises(errors.AccessDenied):
        describe_if_there(raising(refusal("AccessDeniedException")))
