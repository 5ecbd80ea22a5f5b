from __future__ import annotations

from pathlib import Path

from tests.chalicelib.normalise.house import HEADER, clean


def test_copies_of_a_row_are_dropped_unless_the_config_keeps_them(tmp_path: Path) -> None:
    body = f"{HEADER}\n" + "u1,i1,1700000000\n" * 3 + "u1,i1,1700000001\n"
    found = clean(tmp_path, body)
    assert (found.report.kept, found.dropped) == (2, {"duplicate": 2})
    assert found.report.dropped[0].lines == (3, 4)
    assert clean(tmp_path, body, rules={"keep_duplicates": True}).report.kept == 4


def test_of_items_with_the_same_id_the_last_is_kept(tmp_path: Path) -> None:
    found = clean(tmp_path, "ITEM_ID,PRICE\n1,10\n2,20\n1,30\n", "items")
    assert found.rows == [{"ITEM_ID": "2", "PRICE": "20"}, {"ITEM_ID": "1", "PRICE": "30"}]
    assert found.dropped == {"duplicate": 1}


def test_the_lines_of_the_first_few_drops_and_fixes_are_kept(tmp_path: Path) -> None:
    rows = [f"u{i},i1,{'soon' if i % 2 else '1700000000123'}" for i in range(20)]
    found = clean(tmp_path, "\n".join([HEADER, *rows]))
    (dropped,) = found.report.dropped
    (fixed,) = found.report.fixed
    assert (dropped.rows, dropped.lines) == (10, (3, 5, 7, 9, 11))
    assert (fixed.code, fixed.rows, fixed.lines) == ("ms", 10, (2, 4, 6, 8, 10))


def test_a_row_counts_under_the_first_reason_only(tmp_path: Path) -> None:
    found = clean(tmp_path, f"{HEADER}\n,,never\nu1,i1,1700000000\n")
    assert found.dropped == {"no-user-id": 1}
