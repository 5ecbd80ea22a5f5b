from __future__ import annotations

from pathlib import Path

import duckdb

from chalicelib.normalise.rows.clean import clean_source, read_header
from tests.chalicelib.normalise.house import clean, write_clean


def test_files_with_another_order_of_columns_are_matched_by_name(tmp_path: Path) -> None:
    first = write_clean(tmp_path / "a.csv", [("u1", "i1", 1)])
    second = write_clean(tmp_path / "b.csv", [(2, "i2", "u2")], header="TIMESTAMP,ITEM_ID,USER_ID")
    rows = duckdb.execute(
        f"SELECT USER_ID, ITEM_ID, TIMESTAMP FROM {clean_source([first, second])} ORDER BY 1"
    ).fetchall()
    assert rows == [("u1", "i1", 1), ("u2", "i2", 2)]
    assert read_header(second) == ("TIMESTAMP", "ITEM_ID", "USER_ID")


def test_backslash_escapes_are_read_back(tmp_path: Path) -> None:
    path = write_clean(
        tmp_path / "a.csv", [("1", r'"say \"hi\", \\you"'), ("2", "")], header="ITEM_ID,TITLE"
    )
    assert duckdb.execute(
        f"SELECT TITLE FROM {clean_source([path])} ORDER BY ITEM_ID"
    ).fetchall() == [('say "hi", \\you',), (None,)]


def test_text_is_written_on_one_line_with_backslash_escapes_and_bare_headers(
    tmp_path: Path,
) -> None:
    body = 'item_id,Title\n1,"say ""hi"", you"\n2,"a\nb"\n3,"tab\there"\n4,"  "\n5,NULL\n'
    found = clean(tmp_path, body, "items")
    lines = found.normalised.part.read_text().splitlines()
    assert lines == ["ITEM_ID,TITLE", r'1,"say \"hi\", you"', "2,a b", "3,tab here", "4,", "5,"]
