"""Describe or create, then ready or `ResourcePending`: once, for every kind of resource.

Names derive from the export, so a retry, a duplicate event or a call that timed out after its
effect finds what exists. Nothing here waits: Step Functions' Retry is the timer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.errors import ResourceFailed, ResourcePending, code_of, message_of

State = Mapping[str, Any]

# "More than 5 resources with PENDING or IN_PROGRESS status." clears by itself; "... in ACTIVE
# state" does not.
_CLEARS_BY_ITSELF = ("PENDING", "IN_PROGRESS", "IN PROGRESS")


def ensure(what: str, describe: Callable[[], State], create: Callable[[], object]) -> State:
    """The description of a resource that is ready, created first when there is none.

    Raises:
        ResourcePending: it is on its way, or a quota that clears by itself is full.
        ResourceFailed: it ended in a failed state, or a quota is full for good.
    """
    try:
        state = describe()
    except Exception as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        create_once(what, create)
        state = describe()
    return ready(what, state)


def create_once(what: str, create: Callable[[], object]) -> object | None:
    """Creates; None when somebody did already."""
    try:
        return create()
    except Exception as error:
        code, message = code_of(error), message_of(error)
        if code == "ResourceAlreadyExistsException":
            return None
        if code == "ResourceInUseException" or _will_clear(code, message):
            raise ResourcePending(f"{what}: {message}") from error
        if code == "LimitExceededException" and "ACTIVE" in message:
            raise ResourceFailed(f"{what}: {message}") from error
        raise


def _will_clear(code: str, message: str) -> bool:
    return code == "LimitExceededException" and any(word in message for word in _CLEARS_BY_ITSELF)


def ready(what: str, state: State) -> State:
    """`state` when its status is ACTIVE (or when its kind has none).

    Raises: ResourcePending with the status, ResourceFailed with Personalize's failureReason.
    """
    status = state.get("status", "ACTIVE")
    if status == "ACTIVE":
        return state
    if "FAILED" in status or status == "CREATE STOPPED":
        raise ResourceFailed(f"{what}: {status}: {state.get('failureReason', 'no reason given')}")
    raise ResourcePending(f"{what}: {status}")
