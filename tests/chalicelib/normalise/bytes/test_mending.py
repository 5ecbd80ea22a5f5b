from __future__ import annotations

from pathlib import Path

import pytest

from tests.chalicelib.normalise.house import HEADER, clean

GOOD = [f"u{i % 500},i{i % 77},{1_700_000_000 + i}" for i in range(10_000)]


def test_ten_bad_lines_among_ten_thousand_are_dropped_counted_and_shown(tmp_path: Path) -> None:
    lines = [*GOOD]
    bad = {
        10: "u1,i1",
        500: "u1,i1,1700000000,extra",
        900: 'u1,"i1,1700000000',
        901: 'u1,"i1"x,1700000000',
        2000: ",i1,1700000000",
        3000: "u1,,1700000000",
        4000: "u1,i1,yesterday",
        5000: "u1,i1,-5",
        6000: "u1,i\x001,1700000000",
        9999: "u1,i1,9999999999",
    }
    for index, line in bad.items():
        lines[index] = line
    found = clean(tmp_path, "\n".join([HEADER, *lines]), rules={"max_bad_rows": 0.05})
    assert (found.report.rows, found.report.kept, len(found.rows)) == (10_000, 9_990, 9_990)
    assert [row["line"] for row in found.quarantine] == [index + 2 for index in bad]
    assert [row["text"] for row in found.quarantine] == list(bad.values())
    assert found.dropped == {
        "ragged": 2,
        "quote": 2,
        "no-user-id": 1,
        "no-item-id": 1,
        "bad-item-id": 1,
        "no-timestamp": 1,
        "early-timestamp": 1,
        "future-timestamp": 1,
    }


@pytest.mark.parametrize("at", [0, 5, 9_998, 9_999])
def test_an_unclosed_quote_costs_its_own_line_only(tmp_path: Path, at: int) -> None:
    lines = [*GOOD]
    lines[at] = 'u1,"i1,1700000000'
    found = clean(tmp_path, "\n".join([HEADER, *lines]) + "\n")
    assert found.report.kept == 9_999
    assert found.report.dropped[0].lines == (at + 2,)


def test_an_unclosed_quote_among_quoted_values_costs_its_own_line_only(tmp_path: Path) -> None:
    lines = [f'"u{i}","i{i}",1700000000' for i in range(100)]
    lines[50] = '"u1,"i1",1700000000'
    lines[60] = '"u1","i1,1700000000'
    found = clean(tmp_path, "\n".join([HEADER, *lines]))
    assert found.report.kept == 98
    assert [row["line"] for row in found.quarantine] == [52, 62]


def test_quoted_line_breaks_are_flattened_and_the_lines_after_keep_their_numbers(
    tmp_path: Path,
) -> None:
    body = 'ITEM_ID,TITLE\n1,"two\nlines"\n\n2,"three\n\nlines"\n3,plain\n,none\n'
    found = clean(tmp_path, body, "items")
    assert [row["TITLE"] for row in found.rows] == ["two lines", "three lines", "plain"]
    assert found.fixed["joined"] == 2
    assert [row["line"] for row in found.quarantine] == [9]


def test_a_line_break_in_an_id_costs_the_row(tmp_path: Path) -> None:
    found = clean(tmp_path, f'{HEADER}\nu1,"a\nb",1700000000\nu2,i2,1700000000\n')
    assert found.dropped == {"bad-item-id": 1}


def test_backslash_escapes_of_snowflake_and_spark_are_read(tmp_path: Path) -> None:
    body = "ITEM_ID,TITLE,GENRE\n1,pending\\, silent,a\n2,plain,b\n"
    found = clean(tmp_path, body, "items")
    assert found.rows[0]["TITLE"] == "pending, silent"
    assert found.fixed["unescaped"] == 1
    spark = "ITEM_ID,TITLE,GENRE\n" + "".join(f'{i},"say \\"hi\\", {i}",\\N\n' for i in range(20))
    assert clean(tmp_path / "spark", spark, "items").rows[3] == {
        "ITEM_ID": "3",
        "TITLE": 'say "hi", 3',
        "GENRE": "",
    }


def test_a_line_of_ten_megabytes_is_dropped_in_bounded_memory(tmp_path: Path) -> None:
    lines = [*GOOD[:100]]
    lines[50] = "u1," + "x" * 10_000_000 + ",1700000000"
    found = clean(tmp_path, "\n".join([HEADER, *lines]))
    assert found.dropped == {"long-line": 1}
    assert found.report.kept == 99


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    found = clean(tmp_path, f"\n{HEADER}\n\nu1,i1,1700000000\n \n\nu1,i2,nothing\n\n")
    assert (found.report.rows, found.report.kept) == (2, 1)
    assert found.quarantine[0]["line"] == 7


def test_a_quote_after_a_blank_is_text_and_swallows_nothing(tmp_path: Path) -> None:
    found = clean(tmp_path, 'ITEM_ID,TITLE\n1, "odd\n2,plain\n3,5" screen\nshort\n', "items")
    assert [row["TITLE"] for row in found.rows] == ['"odd', "plain", '5" screen']
    assert found.dropped == {"ragged": 1}
