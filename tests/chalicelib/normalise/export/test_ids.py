from __future__ import annotations

from pathlib import Path

from chalicelib.normalise.export.ids import check_ids
from tests.chalicelib.normalise.house import write_clean


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


def test_rows_that_are_in_two_files_are_counted(tmp_path: Path) -> None:
    paths = [write_clean(tmp_path / f"{n}.csv", [("a", "i", 1), ("a", "i", n)]) for n in (1, 2, 3)]
    items = [
        write_clean(tmp_path / f"i{n}.csv", [("i", n), (f"i{n}", n)], header="ITEM_ID,PRICE")
        for n in (1, 2)
    ]
    found = check_ids({"interactions": paths, "items": items}, tmp_path / "scratch")
    assert [(f.severity, f.code, f.rows) for f in found[:2]] == [
        ("warning", "duplicate-across", 3),
        ("info", "duplicate-across", 1),
    ]
    assert found[1].sentence == (
        "1 row of items with the ITEM_ID of a row in another file; the last is kept"
    )


def test_copies_within_a_file_are_meant_where_they_were_kept(tmp_path: Path) -> None:
    paths = [
        write_clean(tmp_path / "a.csv", [("a", "i", 1), ("a", "i", 1)]),
        write_clean(tmp_path / "b.csv", [("b", "i", 1)]),
    ]
    assert check_ids({"interactions": paths}, tmp_path / "scratch") == ()
