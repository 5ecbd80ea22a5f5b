"""Ids of users and items: text of 1 to 256 characters.

Numbers from JSON and SQL become their exact decimal digits.
"""

from __future__ import annotations

from decimal import Decimal

from chalicelib.serving.errors import BadRequest

MAX_CHARACTERS = 256


def to_id(value: object, name: str) -> str:
    """`1`, `1.0` and `"1"` are one id. BadRequest names the argument."""
    text = _text(value)
    if text is None:
        raise BadRequest(
            f"{name} has a value of type {type_name(value)}. Expected a string or a whole number."
        )
    if not text:
        raise BadRequest(f"{name} is empty. Expected 1 to {MAX_CHARACTERS} characters.")
    if len(text) > MAX_CHARACTERS:
        raise BadRequest(f"{name} has {len(text):,} characters. Expected 1 to {MAX_CHARACTERS}.")
    if not _is_unicode(text):
        raise BadRequest(f"{name} holds half a surrogate pair. Expected Unicode text.")
    return text


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (float, Decimal)) and is_whole(value):
        return str(int(value))
    return None


def is_whole(number: float | Decimal, limit: int = 10**40) -> bool:
    """Whether `number` is an integer between -limit and limit; False for NaN and infinity."""
    return -limit < number < limit and number == int(number)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def type_name(value: object) -> str:
    """The JSON name of a Python value's type."""
    names = {
        type(None): "null",
        bool: "boolean",
        int: "number",
        float: "number",
        Decimal: "number",
        str: "string",
    }
    names |= {list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)
