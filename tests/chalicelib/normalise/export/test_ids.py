from __future__ import annotations

from pathlib import Path

from chalicelib.normalise.export.ids import check_ids, count_users
from chalicelib.normalise.export.minimums import UserCounts
from tests.chalicelib.normalise.house import write_clean


def test_users_are_counted_exactly_over_files(tmp_path: Path) -> None:
    paths = [write_clean(tmp_path / f"{n}.csv", [("a", "i", n), (f"b{n}", "i", n)]) for n in (1, 2)]
    assert count_users(paths, tmp_path / "scratch") == UserCounts(users=3, with_two=1)


def test_ids_that_only_nearly_match_are_shown(tmp_path: Path) -> None:
    interactions = write_clean(
        tmp_path / "x.csv", [("u", "7", 1), ("u", "Shoe", 2), ("u", "i1", 3)]
    )
    items = write_clean(
        tmp_path / "i.csv",
        [("007", "a"), ("shoe", "a"), ("i1", "b"), ("i2", "b")],
        header="ITEM_ID,GENRE",
    )
    unknown, idle = check_ids(
        {"interactions": [interactions], "items": [items]}, tmp_path / "scratch"
    )
    assert (unknown.code, unknown.rows) == ("unknown-items", 2)
    assert unknown.samples == ("'7' is like '007'", "'Shoe' is like 'shoe'")
    assert idle.sentence == "3 of 4 items have no interaction"


def test_ids_that_nothing_is_like_are_named(tmp_path: Path) -> None:
    interactions = write_clean(
        tmp_path / "x.csv", [("u", "rare", 1), ("u", "hat", 2), ("v", "hat", 3)]
    )
    items = write_clean(tmp_path / "i.csv", [("shoe", "a")], header="ITEM_ID,GENRE")
    found = check_ids({"interactions": [interactions], "items": [items]}, tmp_path / "scratch")
    assert found[0].samples == ("'hat'", "'rare'")
    assert found[0].action == "export these items too"
    assert check_ids({"items": [items]}, tmp_path / "scratch") == ()
