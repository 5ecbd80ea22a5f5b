from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.export import comparing
from chalicelib.normalise.export.comparing import Kept
from tests.chalicelib.normalise.house import write_clean

DAY = 86_400


def test_users_and_their_days_are_compared_and_not_their_events(tmp_path: Path) -> None:
    before = write_clean(
        tmp_path / "before.csv",
        [("a", "x", 0), ("a", "y", 1), ("a", "x", DAY), ("b", "x", 0), ("c", "x", 5 * DAY)],
    )
    now = write_clean(
        tmp_path / "now.csv", [("a", "z", DAY - 1), ("b", "x", 2 * DAY), ("d", "x", 0)]
    )
    users, days = comparing.user_days([before], [now], tmp_path / "scratch")
    assert users == Kept("users", 3, 2)
    assert days == Kept("days of users", 4, 1)


def test_what_was_lost_is_named_with_its_numbers() -> None:
    kept = [Kept("rows of items", 10, 9), Kept("users", 12_000, 1_100)]
    comparing.require_kept(kept, 0.05)
    with pytest.raises(SetRejected, match=r"only 1,100 of 12,000 users \(9%\)\. Expected .* 50%"):
        comparing.require_kept(kept, 0.5)


def test_a_first_set_is_compared_with_nothing() -> None:
    assert comparing.finding([]) is None
    found = comparing.finding([Kept("users", 4, 2), Kept("rows of items", 3, 3)])
    assert found is not None
    assert (
        found.sentence
        == "of the last import there are 2 of 4 users (50%); 3 of 3 rows of items (100%)"
    )
