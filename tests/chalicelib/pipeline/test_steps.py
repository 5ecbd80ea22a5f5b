from __future__ import annotations

import pytest

from chalicelib.errors import ResourceFailed, ResourcePending
from chalicelib.pipeline.steps import settle


def test_every_step_is_taken_before_any_is_waited_for() -> None:
    taken: list[str] = []

    def step(name: str) -> None:
        taken.append(name)
        if name != "b":
            raise ResourcePending(f"{name} is on its way")

    with pytest.raises(ResourcePending, match="a is on its way; c is on its way"):
        settle(step, ["a", "b", "c"])
    assert taken == ["a", "b", "c"]


def test_a_failure_is_told_at_once() -> None:
    def step(_name: str) -> None:
        raise ResourceFailed("no")

    with pytest.raises(ResourceFailed):
        settle(step, ["a", "b"])


def test_nothing_pending_is_done() -> None:
    settle(lambda _item: None, [1, 2])
