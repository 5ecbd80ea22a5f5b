"""Ids of users and items: text of 1 to 256 characters.

A number from JSON or SQL becomes its exact decimal digits.
"""

from __future__ import annotations

from decimal import Decimal

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.values import is_whole, type_name

MAX_CHARACTERS = 256


def to_id(value: object, name: str) -> str:
    """The id as text: `1`, `1.0` and `"1"` are one id.

    Raises:
        BadRequest: `value` is no id; the message begins with `name`.
    """
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
    # bool is a subclass of int, but true is nobody's id.
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (float, Decimal)) and is_whole(value):
        return str(int(value))
    return None


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can carry it: half a surrogate pair would fail later, inside botocore."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
