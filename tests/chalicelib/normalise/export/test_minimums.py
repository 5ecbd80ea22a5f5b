from __future__ import annotations

import pytest

from chalicelib.normalise.export.minimums import UserCounts


@pytest.mark.parametrize(
    ("users", "with_two", "can_train"),
    [(25, 25, True), (24, 24, False), (2500, 25, True), (2501, 25, False), (0, 0, False)],
)
def test_25_users_and_one_percent_of_all_must_have_two_interactions(
    users: int, with_two: int, can_train: bool
) -> None:
    assert UserCounts(users, with_two).can_train is can_train
