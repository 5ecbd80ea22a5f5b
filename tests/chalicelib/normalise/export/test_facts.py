from __future__ import annotations

from pathlib import Path

from chalicelib.normalise.export.facts import all_ids, last_items, unknown_items
from tests.chalicelib.normalise.house import write_clean


def test_the_last_item_is_the_newest_one_that_is_imported(tmp_path: Path) -> None:
    parts = [
        write_clean(tmp_path / "a.csv", [("u", "old", 1), ("u", "z", 5), ("v", "x", 9)]),
        write_clean(tmp_path / "b.csv", [("u", "a", 5), ("w", "x", 9)]),
    ]
    withheld = write_clean(tmp_path / "w.csv", [("u", "truth", 7), ("gone", "truth", 7)])
    assert last_items(parts, withheld, tmp_path / "scratch") == {"u": "a"}


def test_every_user_is_listed_once(tmp_path: Path) -> None:
    parts = [
        write_clean(tmp_path / "a.csv", [("u2", "i", 1), ("u1", "i", 1)]),
        write_clean(tmp_path / "b.csv", [("u2", "i", 2), ("u10", "i", 1)]),
    ]
    assert all_ids("USER_ID", parts, tmp_path / "scratch") == ["u1", "u10", "u2"]


def test_an_item_is_unknown_when_no_interaction_is_as_old_as_lives_data(tmp_path: Path) -> None:
    parts = [write_clean(tmp_path / "a.csv", [("u", "old", 1), ("u", "new", 5), ("v", "old", 9)])]
    withheld = write_clean(
        tmp_path / "w.csv", [("u", "old", 7), ("v", "new", 7), ("w", "newer", 8)]
    )
    assert unknown_items(parts, withheld, 4, tmp_path / "scratch") == 2 / 3
