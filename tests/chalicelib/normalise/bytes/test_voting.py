r"""What quotes and backslashes mean is the same in every row of a file, and all rows decide on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chalicelib.normalise.house import clean

TITLED = "ITEM_ID,TITLE,GENRE"


def titles(folder: Path, body: str, **rules: Any) -> dict[str, str]:
    found = clean(folder, body, "items", rules)
    assert not found.dropped, found.quarantine
    return {row["ITEM_ID"]: row["TITLE"] for row in found.rows}


def test_snowflakes_null_is_null_in_a_row_with_an_escaped_comma_too(tmp_path: Path) -> None:
    found = clean(tmp_path, TITLED + "\n1,pending\\, silent,\\N\n2,\\N,N\n3,a,b\n", "items")
    assert [(row["TITLE"], row["GENRE"]) for row in found.rows] == [
        ("pending, silent", ""),
        ("", "N"),
        ("a", "b"),
    ]


def test_a_doubled_backslash_is_one_in_every_row_of_snowflakes(tmp_path: Path) -> None:
    body = TITLED + "\n1,a\\\\b,x\n2,a\\\\b\\, c,x\n3,ends\\\\,x\n4,\\N,x\n"
    assert titles(tmp_path, body) == {"1": r"a\b", "2": r"a\b, c", "3": "ends\\", "4": ""}


def test_a_doubled_backslash_stays_two_where_a_backslash_is_text(tmp_path: Path) -> None:
    body = TITLED + "\n1,\\\\server\\share,x\n2,C:\\new,x\n3,\\\\server,x\n4,C:\\,x\n"
    assert titles(tmp_path, body) == {
        "1": r"\\server\share",
        "2": r"C:\new",
        "3": r"\\server",
        "4": "C:\\",
    }


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_quoted_text_may_end_in_a_backslash(tmp_path: Path, delimiter: str) -> None:
    rows = [["ITEM_ID", "TITLE", "GENRE"], *([str(i), '"C:\\"', '"x"'] for i in range(9))]
    rows.append(["9", '"say ""hi"""', '"x"'])
    body = "\n".join(delimiter.join(row) for row in rows)
    assert titles(tmp_path, body) == {**{str(i): "C:\\" for i in range(9)}, "9": 'say "hi"'}


def test_the_lines_behind_the_first_megabyte_count_as_much(tmp_path: Path) -> None:
    plain = "".join(f"{i},plain text of some length that says nothing,x\n" for i in range(30_000))
    early, late = (
        '1000000,"C:\\",x\n',
        "".join(f'{i},"say \\"hi\\" you, {i}",x\n' for i in range(2_000_000, 2_000_005)),
    )
    found = clean(tmp_path, f"{TITLED}\n{early}{plain}{late}", "items")
    assert found.rows[-1]["TITLE"] == 'say "hi" you, 2000004'
    assert found.dropped == {"quote": 1}, "the one line that nobody else is like"


def test_a_line_break_may_be_escaped_by_a_backslash(tmp_path: Path) -> None:
    body = TITLED + "\n1,two\\\nlines,x\n2,plain,x\n"
    assert titles(tmp_path, body) == {"1": "two lines", "2": "plain"}


def test_quotes_are_text_where_most_lines_have_them_so(tmp_path: Path) -> None:
    body = 'ITEM_ID|TITLE\n1|"Great Performances" Cats\n2|5" disk\n3|"Salem\'s" Lot\n'
    found = clean(tmp_path, body, "items")
    assert [row["TITLE"] for row in found.rows] == [
        '"Great Performances" Cats',
        '5" disk',
        '"Salem\'s" Lot',
    ]


def test_what_was_decided_is_said(tmp_path: Path) -> None:
    found = clean(tmp_path, TITLED + "\n1,pending\\, silent,\\N\n", "items")
    assert found.report.notes == (
        r"read as CSV: comma; a backslash escapes; nothing, 'NULL', 'null', '\N' for null",
    )
    assert found.fixed == {"unescaped": 1}


@pytest.mark.parametrize(
    ("told", "line", "title"),
    [
        ({"escape": "double"}, r"1,a\\b,x", r"a\\b"),
        ({"escape": "backslash"}, r"1,a\\b,x", r"a\b"),
        ({"escape": "backslash-outside"}, r"1,a\\b,x", r"a\b"),
        ({"escape": "backslash-inside"}, r'1,"a\\b",x', r"a\b"),
        ({"escape": "double"}, r'1,"a\\b",x', r"a\\b"),
        ({"quote": "none"}, '1,"a",x', '"a"'),
        ({"nulls": ("a",)}, "1,a,x", ""),
        ({"nulls": ()}, "1,NULL,x", "NULL"),
        ({"nulls": ("-",), "quote": '"'}, '1,"NULL",-', "NULL"),
    ],
)
def test_the_configs_word_goes_first(
    tmp_path: Path, told: dict[str, Any], line: str, title: str
) -> None:
    from chalicelib.normalise.bytes.dialect import Told

    assert titles(tmp_path, f"{TITLED}\n{line}\n", told=Told(**told)) == {"1": title}


def test_another_delimiter_can_be_told(tmp_path: Path) -> None:
    from chalicelib.normalise.bytes.dialect import Told

    body = "ITEM_ID~TITLE\n1~a,b\n"
    assert titles(tmp_path, body, told=Told(delimiter="~")) == {"1": "a,b"}
