from __future__ import annotations

import pytest

from chalicelib.normalise.bytes.grammar import Grammar

DOUBLED = Grammar()
SPARK = Grammar(escape=b"\\")
SNOWFLAKE = Grammar(bare=True)
COLONS = Grammar(b"::", quotes=False)


@pytest.mark.parametrize(
    ("grammar", "line", "verdict"),
    [
        (DOUBLED, b"a,b", "fine"),
        (DOUBLED, b"a", "too-few"),
        (DOUBLED, b"a,b,", "too-many"),
        (DOUBLED, b'"a,b",', "fine"),
        (DOUBLED, b'a,"b', "open"),
        (DOUBLED, b'a,"b"c', "quote"),
        (DOUBLED, b'a,"b\\"', "fine"),
        (SPARK, b'a,"b\\"', "open"),
        (SPARK, b'a,"b\\",c"', "fine"),
        (DOUBLED, b"a\\,b", "fine"),
        (SNOWFLAKE, b"a\\,b", "too-few"),
        (SNOWFLAKE, b"a\\,b,c", "fine"),
        (SNOWFLAKE, b"a,b\\", "open"),
        (SNOWFLAKE, b'a,"b\\"', "fine"),
        (COLONS, b'"a::b', "fine"),
        (COLONS, b"a:b:c", "too-few"),
        (Grammar(b"::", bare=True), b"a\\::b::c", "fine"),
    ],
)
def test_a_line_is_judged_by_its_width(grammar: Grammar, line: bytes, verdict: str) -> None:
    assert grammar.judge(line, 2) == verdict


def test_fields_come_as_they_are_written_and_are_unescaped_one_by_one() -> None:
    cells = SNOWFLAKE.cells(rb'a\,b,"x,y",\N,c\\')
    assert cells == [rb"a\,b", b'"x,y"', rb"\N", rb"c\\"]
    assert [SNOWFLAKE.unescaped(cell) for cell in cells] == [b"a,b", b'"x,y"', rb"\N", b"c\\"]
    assert COLONS.cells(b"1::a:b::") == [b"1", b"a:b", b""]
    assert SNOWFLAKE.is_quoted(b'"x"')
    assert not COLONS.is_quoted(b'"x"')


def test_a_hostile_line_costs_linear_time() -> None:
    assert DOUBLED.judge(b'"' + b'a"b' * 100_000, 2) == "quote"
    assert SNOWFLAKE.judge(b"\\," * 100_000, 2) == "too-few"
