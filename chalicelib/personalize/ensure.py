"""Describe or create, then ready or `ResourcePending`: once, for every kind of resource.

Names derive from the export, so a retry, a duplicate event or a call that timed out after its effect
finds what exists. Nothing here waits: Step Functions' Retry is the timer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chalicelib.aws import call
from chalicelib.errors import (
    AlreadyExists,
    InUse,
    Missing,
    ResourceFailed,
    ResourcePending,
    Throttled,
)
from chalicelib.personalize.calls import State

T = TypeVar("T")

_QUOTA = "LimitExceededException"
# "More than 5 resources with PENDING or IN_PROGRESS status." clears by itself; "... in ACTIVE
# state" does not.
_CLEARS_BY_ITSELF = ("PENDING", "IN_PROGRESS", "IN PROGRESS")


def ensure(what: str, describe: Callable[[], State], create: Callable[[], object]) -> State:
    """The description of a resource that is ready, created first when there is none.

    Raises:
        ResourcePending: it is on its way, or a quota that clears by itself is full.
        ResourceFailed: it ended in a failed state, or a quota is full for good.
    """
    state = describe_if_there(describe)
    if state is None:
        create_once(what, create)
        state = call(describe)
    return ready(what, state)


def describe_if_there(describe: Callable[[], State]) -> State | None:
    try:
        return call(describe)
    except Missing:
        return None


def create_once(what: str, create: Callable[[], T]) -> T | None:
    """Creates or changes; None when somebody did already. Raises as `ensure` does."""
    try:
        return call(create)
    except AlreadyExists:
        return None
    except InUse as error:
        raise ResourcePending(f"{what}: {error.message}") from error
    except Throttled as error:
        if error.code != _QUOTA:
            raise
        if any(word in error.message for word in _CLEARS_BY_ITSELF):
            raise ResourcePending(f"{what}: {error.message}") from error
        if "ACTIVE" in error.message:
            raise ResourceFailed(f"{what}: {error.message}") from error
        raise


def ready(what: str, state: State) -> State:
    """`state` when its status is ACTIVE, or when its kind has none.

    Raises:
        ResourcePending: with the status.
        ResourceFailed: with Personalize's failureReason.
    """
    status = state.get("status", "ACTIVE")
    if status == "ACTIVE":
        return state
    if "FAILED" in status or status == "CREATE STOPPED":
        reason = state.get("failureReason", "no reason given")
        raise ResourceFailed(f"{what}: {status}: {reason}")
    raise ResourcePending(f"{what}: {status}")
