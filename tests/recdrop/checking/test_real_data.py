"""Every shared data set goes as it is, or with the one config that `check` prints. Skipped without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recdrop.checking.exports import assert_config_holds

DATA = Path(__file__).parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data folder is absent")


@pytest.mark.parametrize(
    ("path", "needs_config", "users"),
    [
        ("minimal", False, 25),
        ("movielens", True, 610),
        ("movielens/ratings.csv", True, 610),
        ("movielens/movies.csv", True, 0),
        ("poc", False, 610),
        ("poc/item-meta.csv", False, 0),
        ("segment", True, 5877),
        ("segment/run-1551018703844-part-r-00000", False, 2109),
        ("segment/run-1558198402129-part-r-00000", False, 3830),
        ("travel", False, 24500),
        ("beauty", True, 22363),
    ],
)
def test_a_shared_data_set_can_be_used(path: str, needs_config: bool, users: int) -> None:
    found = assert_config_holds(DATA / path)
    assert found.needs_config is needs_config
    assert found.judged.users == users


def test_the_keys_of_the_shops_items_and_users_are_found() -> None:
    found = assert_config_holds(DATA / "retail")
    assert [(s.folder, s.columns) for s in found.suggestion.sections] == [
        ("items", {"ITEM_ID": "id"}),
        ("users", {"USER_ID": "id"}),
    ]
    assert [(s.dataset, s.kept) for s in found.judged.summaries] == [
        ("items", 2465),
        ("users", 5250),
    ]
