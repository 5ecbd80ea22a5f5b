"""The options that the routes, the ranking body and Snowflake's OBJECT argument share, validated
once.

Limits are Personalize's own (personalize-runtime's service model): what it would refuse is refused
here by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from chalicelib.serving.errors import BadRequest, one_of
from chalicelib.serving.ids import is_whole, type_name
from chalicelib.serving.request import decode_json

DEFAULT_RESULTS = 25
MAX_RESULTS = 500
MAX_VALUE_CHARACTERS = 1_000
NAMES = ("context", "filter", "filterValues", "group", "metadata", "numResults", "solution")

_NUMBER = re.compile(r"[0-9]{1,9}")
_QUOTED_LIST = re.compile(r'"[^"\\]*"(\s*,\s*"[^"\\]*")*')
_FILTER_KEY = re.compile(r"[A-Za-z0-9_]{1,50}")
_CONTEXT_KEY = re.compile(r"[A-Za-z0-9_]{1,150}")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`filter_values` and `context` are sorted pairs, so that an Options is a key."""

    num_results: int = DEFAULT_RESULTS
    group: str | None = None
    solution: str | None = None
    filter: str | None = None
    filter_values: tuple[tuple[str, str], ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    metadata: bool | None = None


def parse_options(
    given: Mapping[str, object], *, also: tuple[str, ...] = (), sized: bool = True
) -> Options:
    """Options from a query string (all values text) or a JSON object (typed values).

    `also` names further keys the caller reads itself; not `sized`, numResults is none of them.
    Unknown keys are refused: a misspelt filter that is ignored would answer unfiltered.
    """
    known = {*NAMES, *also} - ({"numResults"} if not sized else set())
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadRequest(
            f"Unknown parameter {_short(unknown[0])}. Expected one of: {one_of(known)}."
        )
    options = Options(
        num_results=_num_results(given.get("numResults")),
        group=_name(given.get("group"), "group"),
        solution=_name(given.get("solution"), "solution"),
        filter=_name(given.get("filter"), "filter"),
        filter_values=_filter_values(given.get("filterValues")),
        context=_context(given.get("context")),
        metadata=_flag(given.get("metadata"), "metadata"),
    )
    if options.filter_values and options.filter is None:
        raise BadRequest(
            "filterValues is given without filter. Expected the name of the filter it belongs to."
        )
    return options


def _num_results(value: object) -> int:
    if value is None:
        return DEFAULT_RESULTS
    number = _whole_number(value)
    if number is None or not 1 <= number <= MAX_RESULTS:
        raise BadRequest(
            f"numResults has value {_short(value)}. Expected a whole number from 1 to {MAX_RESULTS}."
        )
    return number


def _whole_number(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    return int(value) if is_whole(value) else None


def _name(value: object, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_RESULTS:
        raise BadRequest(f"{name} has value {_short(value)}. Expected a name.")
    return value


def _flag(value: object, name: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise BadRequest(f"{name} has value {_short(value)}. Expected one of: true, false.")


def _filter_values(value: object) -> tuple[tuple[str, str], ...]:
    pairs = _mapping(value, "filterValues", _FILTER_KEY, 25)
    return tuple(
        (key, _checked(_filter_value(f"filterValues.{key}", item), key)) for key, item in pairs
    )


def _filter_value(name: str, value: object) -> str:
    """Personalize takes text in double quotes, lists separated by commas, numbers bare; callers
    send plain JSON.

    Quoting happens here, so that a value can never leave its quotes and become filter syntax.
    """
    if isinstance(value, list):
        if not value:
            raise BadRequest(f"{name} is an empty list. Expected at least one value.")
        return ",".join(_filter_value(name, member) for member in value if _is_scalar(name, member))
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return format(value, "f") if isinstance(value, Decimal) else repr(value)
    if not isinstance(value, str):
        raise BadRequest(
            f"{name} has a value of type {type_name(value)}. Expected text, a number or a list of them."
        )
    if _QUOTED_LIST.fullmatch(value):
        return value
    if '"' in value or "\\" in value:
        raise BadRequest(f"{name} holds a double quote or a backslash. Expected text without them.")
    return f'"{value}"'


def _is_scalar(name: str, value: object) -> bool:
    if isinstance(value, list):
        raise BadRequest(f"{name} holds a list in a list. Expected text and numbers.")
    return True


def _context(value: object) -> tuple[tuple[str, str], ...]:
    pairs = _mapping(value, "context", _CONTEXT_KEY, 150)
    return tuple((key, _checked(_context_value(key, item), key)) for key, item in pairs)


def _context_value(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    raise BadRequest(
        f"context.{key} has a value of type {type_name(value)}. Expected text or a number."
    )


def _mapping(
    value: object, name: str, key_pattern: re.Pattern[str], most: int
) -> list[tuple[str, object]]:
    """Sorted pairs of a JSON object, or of a text that holds one (query strings)."""
    if value is None:
        return []
    found = decode_json(value, name) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise BadRequest(
            f"{name} has a value of type {type_name(found)}. Expected a JSON object of names and values."
        )
    if len(found) > most:
        raise BadRequest(f"{name} has {len(found)} entries. Expected at most {most}.")
    for key in found:
        if not key_pattern.fullmatch(key):
            raise BadRequest(
                f"{name} has the key {_short(key)}. Expected letters, digits and underscores."
            )
    return sorted(found.items())


def _checked(value: str, key: str) -> str:
    if len(value) > MAX_VALUE_CHARACTERS:
        raise BadRequest(
            f"The value of {key!r} has {len(value):,} characters. Expected at most {MAX_VALUE_CHARACTERS}."
        )
    return value


def _short(value: object) -> str:
    """A value as it may stand in a message: one line, at most 60 characters, nothing that is not
    ASCII.
    """
    text = str(value) if isinstance(value, Decimal) else ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
