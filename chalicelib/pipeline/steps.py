"""How a task takes several steps that may each have to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from chalicelib.errors import ResourcePending

T = TypeVar("T")


def settle(step: Callable[[T], object], items: Iterable[T]) -> None:
    """Takes the step for every item before it waits for any: what can go on at once does.

    Raises:
        ResourcePending: of all the steps that have to wait, together.
    """
    pending: list[str] = []
    for item in items:
        try:
            step(item)
        except ResourcePending as error:
            pending.append(str(error))
    if pending:
        raise ResourcePending("; ".join(pending))
