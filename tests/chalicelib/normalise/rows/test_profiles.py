from __future__ import annotations

from pathlib import Path

from tests.chalicelib.normalise.house import clean


def test_columns_are_profiled(tmp_path: Path) -> None:
    body = "ITEM_ID,PRICE,YEAR,GENRE,CODE,NOTE\n1,1.5,1995,a|b,007,\n2,2,1996,a,008,\n3,,1_997,b,009,\n"
    columns = {c.name: c for c in clean(tmp_path, body, "items").report.columns}
    assert {name: c.kind for name, c in columns.items()} == {
        "ITEM_ID": "id",
        "PRICE": "number",
        "YEAR": "text",
        "GENRE": "text",
        "CODE": "text",
        "NOTE": "empty",
    }
    assert (columns["PRICE"].filled, columns["PRICE"].minimum, columns["PRICE"].maximum) == (
        2,
        1.5,
        2.0,
    )
    assert (columns["GENRE"].multi_valued, columns["GENRE"].distinct) == (1, 3)
