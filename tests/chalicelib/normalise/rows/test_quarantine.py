from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.chalicelib.normalise.house import HEADER, clean


def test_each_bad_row_is_shown_as_it_stands_with_its_line_and_reason(tmp_path: Path) -> None:
    found = clean(tmp_path, f"{HEADER}\nu1,i1,1700000000\n ,i2,1700000000\nu3,i3,soon\nshort\n")
    assert found.quarantine == [
        {
            "file": "shop/x/source",
            "line": 3,
            "reason": "have no USER_ID",
            "text": " ,i2,1700000000",
        },
        {
            "file": "shop/x/source",
            "line": 4,
            "reason": "have no TIMESTAMP that can be read",
            "text": "u3,i3,soon",
        },
        {
            "file": "shop/x/source",
            "line": 5,
            "reason": "have too few columns",
            "text": "short",
        },
    ]


def test_a_clean_file_has_none(tmp_path: Path) -> None:
    assert clean(tmp_path, f"{HEADER}\nu1,i1,1700000000\n").normalised.quarantine is None


def test_a_row_of_parquet_is_shown_by_its_values(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    row = "'u1' AS USER_ID, 'i1' AS ITEM_ID, -5 AS TIMESTAMP"
    duckdb.sql(f"COPY (SELECT {row}) TO '{path}' (FORMAT parquet)")
    with pytest.raises(Exception, match="None of the 1 rows"):
        clean(tmp_path, path.read_bytes())
    (shown,) = map(json.loads, (tmp_path / "quarantine.jsonl").read_text().splitlines())
    assert (shown["line"], shown["text"]) == (1, "u1,i1,-5")


def test_long_lines_are_cut(tmp_path: Path) -> None:
    found = clean(tmp_path, f"ITEM_ID,NAME\n1,a\n,{'x' * 5000}\n", "items")
    assert found.quarantine[0]["text"] == "," + "x" * 999
