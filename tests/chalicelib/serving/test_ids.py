"""Ids: any text, and whole numbers as their digits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.ids import to_id


@pytest.mark.parametrize("value", [1, 1.0, "1", Decimal("1.0")])
def test_numbers_and_texts_of_the_same_digits_are_one_id(value: object) -> None:
    assert to_id(value, "user") == "1"


def test_a_large_number_keeps_its_digits() -> None:
    assert to_id(99999999999999999999, "user") == "99999999999999999999"
    assert to_id(Decimal(99999999999999999999), "user") == "99999999999999999999"


@pytest.mark.parametrize("text", ["Zoë", "日本\U0001f375", 'a"b', "a\nb", "\x00", " ", "x" * 256])
def test_any_text_is_an_id(text: str) -> None:
    assert to_id(text, "user") == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "user is empty. Expected 1 to 256 characters."),
        ("x" * 100_000, "user has 100,000 characters. Expected 1 to 256."),
        ("\ud800", "user holds half a surrogate pair. Expected Unicode text."),
        (None, "user has a value of type null. Expected a string or a whole number."),
        (True, "user has a value of type boolean. Expected a string or a whole number."),
        (1.5, "user has a value of type number. Expected a string or a whole number."),
        (float("nan"), "user has a value of type number. Expected a string or a whole number."),
        ([], "user has a value of type array. Expected a string or a whole number."),
    ],
)
def test_what_is_no_id_is_refused_by_name(value: object, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        to_id(value, "user")
    assert caught.value.message == message
