from __future__ import annotations

from pathlib import Path

import pytest

from tests.chalicelib.normalise.house import HEADER, clean


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


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("1", "-2", "0"), "integer"),
        (("1", "2.5", "1e3"), "number"),
        (("1", "007"), "text"),
        (("1", "1_000"), "text"),
        (("1", "0x10"), "text"),
        (("1", "999999999999999"), "integer"),
        (("1", "1234567890123456789"), "text"),
        (("1.5", "1234567890123456789"), "text"),
        (("0.30000000000000004", "2"), "number"),
        (("1", "NULL"), "integer"),
        (("", "NULL"), "empty"),
    ],
)
def test_a_number_is_what_every_reader_takes_for_one(
    tmp_path: Path, values: tuple[str, ...], kind: str
) -> None:
    rows = "".join(f"{i},{value}\n" for i, value in enumerate(values))
    columns = clean(tmp_path, "ITEM_ID,X\n" + rows, "items").report.columns
    assert columns[1].kind == kind


def test_the_most_frequent_values_come_first_and_ties_by_name(tmp_path: Path) -> None:
    rows = "".join(f"u{i},i,1700000000,{event}\n" for i, event in enumerate("bbcaac"))
    report = clean(tmp_path, f"{HEADER},EVENT_TYPE\n{rows}u9,i,1700000000,b\n").report
    assert list(report.event_types.items()) == [("b", 3), ("a", 2), ("c", 2)]


def test_values_too_long_for_a_category_are_counted(tmp_path: Path) -> None:
    values = ["x" * 1001, "é" * 1000, "é" * 1001, "x"]
    rows = "".join(f"{i},{value}\n" for i, value in enumerate(values))
    columns = clean(tmp_path, "ITEM_ID,X\n" + rows, "items").report.columns
    assert columns[1].too_long == 2
