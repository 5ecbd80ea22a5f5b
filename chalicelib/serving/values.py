"""Values that came as JSON or from SQL: reading them, and speaking of them in messages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.serving.errors import BadRequest

MAX_SHOWN_CHARACTERS = 60
_TYPE_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def decode_json(text: str | bytes, what: str = "The body") -> Any:
    """The value of a JSON text.

    As the standard has it: no NaN, no lone surrogates. Nesting is bounded by the interpreter's
    recursion limit.

    Raises:
        BadRequest: the text is no JSON; the message begins with `what`.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise BadRequest(f"{what} is nested too deeply.") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadRequest(f"{what} is not valid JSON: {error}.") from error


def is_whole(number: float | Decimal, limit: int = 10**40) -> bool:
    """Whether `number` is an integer between -limit and limit; False for NaN and infinity."""
    # The limit comes first: int() of infinity raises, and int() of Decimal("1e999999") takes minutes.
    return -limit < number < limit and number == int(number)


def type_name(value: object) -> str:
    """The JSON name of a Python value's type."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def short(value: object) -> str:
    """A value as it may stand in a message: one line of ASCII, at most 60 characters."""
    text = str(value) if isinstance(value, Decimal) else ascii(value)
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text
    return f"{text[: MAX_SHOWN_CHARACTERS - 3]}..."
