"""Values from JSON and SQL, and how messages speak of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.values import decode_json, is_whole, short, type_name


def test_json_is_read_as_the_standard_has_it() -> None:
    assert decode_json('{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}


@pytest.mark.parametrize("text", ["", "{", "NaN", '"\\ud800"', "[1] 2", b"\xff"])
def test_what_is_no_json_is_refused_by_name(text: str | bytes) -> None:
    with pytest.raises(BadRequest, match="options is not valid JSON"):
        decode_json(text, "options")


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(BadRequest, match="The body is nested too deeply"):
        decode_json("[" * 200_000)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1.0, True),
        (-3.0, True),
        (1.5, False),
        (float("nan"), False),
        (float("inf"), False),
        (Decimal("1e999999999"), False),  # is told at once, not after minutes
        (Decimal(12345678901234567890), True),
    ],
)
def test_whole_numbers_are_told_from_others(number: float | Decimal, expected: bool) -> None:
    assert is_whole(number) is expected


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "number"),
        (Decimal(1), "number"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
        (b"", "bytes"),
    ],
)
def test_types_have_their_json_names(value: object, name: str) -> None:
    assert type_name(value) == name


def test_a_value_in_a_message_is_one_short_line_of_ascii() -> None:
    assert short("a\nb é") == r"'a\nb \xe9'"
    assert short(Decimal("1.50")) == "1.50"
    assert short("x" * 59) == f"'{'x' * 56}..."
    assert len(short("x" * 58)) == 60
