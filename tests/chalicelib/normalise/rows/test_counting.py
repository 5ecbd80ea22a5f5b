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
