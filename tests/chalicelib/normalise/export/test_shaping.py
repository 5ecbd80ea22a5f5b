from __future__ import annotations

import json
from pathlib import Path

from chalicelib.normalise.export.shaping import shape_csv
from tests.chalicelib.normalise.house import read_rows, write_clean

SCHEMA = json.dumps(
    {
        "fields": [
            {"name": "ITEM_ID", "type": "string"},
            {"name": "GENRE", "type": ["null", "string"], "categorical": True},
            {"name": "TITLE", "type": "string", "textual": True},
        ]
    }
)


def test_a_file_is_shaped_to_the_schema_only_when_it_must(tmp_path: Path) -> None:
    fits = write_clean(tmp_path / "a.csv", [("1", "a", "t")], header="ITEM_ID,GENRE,TITLE")
    assert shape_csv(fits, tmp_path / "b.csv", SCHEMA) is False
    long = "|".join(["x" * 99] * 11)
    other = write_clean(
        tmp_path / "c.csv",
        [("t" * 1500, "1", 3, long), ("", "2", 4, "y" * 1001)],
        header="TITLE,ITEM_ID,EXTRA,GENRE",
    )
    assert shape_csv(other, tmp_path / "d.csv", SCHEMA) is True
    rows = read_rows(tmp_path / "d.csv")
    assert list(rows[0]) == ["ITEM_ID", "GENRE", "TITLE"]
    assert rows[0]["GENRE"] == "|".join(["x" * 99] * 10)
    assert len(rows[0]["TITLE"]) == 1500
    assert (len(rows[1]["GENRE"]), rows[1]["TITLE"]) == (1000, "")


def test_a_column_that_a_later_export_lacks_becomes_empty(tmp_path: Path) -> None:
    path = write_clean(tmp_path / "a.csv", [("1", "x")], header="ITEM_ID,NEW")
    assert shape_csv(path, tmp_path / "b.csv", SCHEMA)
    assert read_rows(tmp_path / "b.csv") == [{"ITEM_ID": "1", "GENRE": "", "TITLE": ""}]
