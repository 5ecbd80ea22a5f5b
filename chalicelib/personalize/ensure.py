"""Describe or create, then ready or `ResourcePending`: once, for every kind of resource.

Names derive from the export, so a retry, a duplicate event or a call that timed out after its effect
finds what exists. Nothing here waits: Step Functions' Retry is the timer.

A failed resource keeps its name. What this run made and what failed fails the run, with the service's
reason. What failed before this run is deleted and made anew; a kind that cannot be deleted (jobs,
solution versions) has the run in its name, so the next attempt makes another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from chalicelib.aws import call
from chalicelib.errors import (
    AlreadyExists,
    InUse,
    Missing,
    ResourceFailed,
    ResourcePending,
    Throttled,
)

T = TypeVar("T")
State = Mapping[str, Any]  # a Describe call's answer: the service's own document

_FAILED_TO_COME = ("CREATE FAILED", "CREATE STOPPED")
_FAILED_TO_GO = "DELETE FAILED"
_QUOTA = "LimitExceededException"
# "More than 5 resources with PENDING or IN_PROGRESS status." clears by itself; "... in ACTIVE
# state" does not.
_CLEARS_BY_ITSELF = ("PENDING", "IN_PROGRESS", "IN PROGRESS")


class Memory(Protocol):
    """What a run has asked for, kept from one invocation to the next."""

    def note(self, what: str) -> None:
        """From now on it `knows` it."""
        ...

    def knows(self, what: str) -> bool: ...


class ShortMemory:
    """Of one process: a run's own is in the ledger (chalicelib/runs.py)."""

    def __init__(self) -> None:
        self._noted: set[str] = set()

    def note(self, what: str) -> None:
        self._noted.add(what)

    def knows(self, what: str) -> bool:
        return what in self._noted


def ensure(
    what: str,
    describe: Callable[[], State],
    create: Callable[[], object],
    *,
    delete: Callable[[State], object] | None = None,
    memory: Memory | None = None,
) -> State:
    """The description of a resource that is ready, created first when there is none.

    With `delete`, one that failed before the run of `memory` is deleted first.

    Raises:
        ResourcePending: it is on its way, or a quota that clears by itself is full.
        ResourceFailed: it ended in a failed state, or a quota is full for good.
    """
    memory = memory or ShortMemory()
    state = describe_if_there(describe)
    if state is None:
        memory.note(_made(what))
        create_once(what, create)
        state = describe_if_there(describe)
    elif delete is not None:
        clear_away(what, state, delete, memory)
    if state is None:
        raise ResourcePending(f"{what}: created, and not to be seen yet")
    return ready(what, state)


def clear_away(what: str, state: State, delete: Callable[[State], object], memory: Memory) -> None:
    """Deletes what failed before this run.

    A run asks for that once: a deletion that fails again and again is told.

    Raises:
        ResourcePending: the deletion was asked for; when it is through, the resource is made anew.
    """
    status = status_of(state)
    if status in _FAILED_TO_COME:
        is_left_over = not memory.knows(_made(what))
    else:
        is_left_over = status == _FAILED_TO_GO and not memory.knows(_deleted(what))
    if not is_left_over:
        return
    try:
        call(delete, state)
    except (Missing, InUse) as error:
        raise ResourcePending(f"{what}: {status}, being deleted: {error.message}") from error
    # After the call: a run that dies in between asks again, which harms nothing.
    memory.note(_deleted(what))
    raise ResourcePending(f"{what}: {status}: {reason_of(state)}: deleted, to be made anew")


def change_once(what: str, change: Callable[[], object], memory: Memory) -> None:
    """Asks for a change of a resource that is there.

    Raises:
        ResourcePending: always; also when another change is under way.
    """
    memory.note(_made(what))
    create_once(what, change)
    raise ResourcePending(f"{what}: asked for")


def check_change(what: str, change: State | None, memory: Memory) -> None:
    """Whether a resource's last change (`latestCampaignUpdate`) is through.

    One that failed and that an earlier run had asked for is nothing: it may be asked for again.

    Raises:
        ResourcePending: it is under way.
        ResourceFailed: this run asked for it, and it failed.
    """
    if change is None or ("FAILED" in status_of(change) and not memory.knows(_made(what))):
        return
    ready(what, change)


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
            raise ResourceFailed(
                f"{what}: {error.message} Delete one that nobody needs, or have the quota raised at "
                "AWS (Service Quotas, Amazon Personalize)."
            ) from error
        raise


def ready(what: str, state: State) -> State:
    """`state` when its status is ACTIVE, or when its kind has none.

    Raises:
        ResourcePending: with the status.
        ResourceFailed: with Personalize's failureReason.
    """
    status = status_of(state)
    if status == "ACTIVE":
        return state
    if status in _FAILED_TO_COME or "FAILED" in status:
        raise ResourceFailed(f"{what}: {status}: {reason_of(state)}")
    raise ResourcePending(f"{what}: {status}")


def status_of(state: State) -> str:
    """ACTIVE for a kind without a status."""
    return str(state.get("status", "ACTIVE"))


def reason_of(state: State) -> str:
    return str(state.get("failureReason", "no reason given"))


def _made(what: str) -> str:
    return f"made {what}"


def _deleted(what: str) -> str:
    return f"deleted {what}"
