"""What a caller may wish for, validated once for all routes and for Snowflake's OBJECT argument.

Limits are Personalize's own (personalize-runtime's service model): what the service would refuse is
refused here, by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from chalicelib.serving.errors import BadRequest, one_of
from chalicelib.serving.values import decode_json, is_whole, short, type_name

DEFAULT_RESULTS = 25
MAX_RESULTS = 500
MAX_NAME_CHARACTERS = 500
MAX_VALUE_CHARACTERS = 1_000
MAX_FILTER_VALUES = 25
MAX_CONTEXT_VALUES = 150
NAMES = ("context", "filter", "filterValues", "group", "metadata", "numResults", "solution")

_NUMBER = re.compile(r"[0-9]{1,9}")
_FILTER_KEY = re.compile(r"[A-Za-z0-9_]{1,50}")
_CONTEXT_KEY = re.compile(r"[A-Za-z0-9_]{1,150}")
# `"horror","comedy"`: a value that is quoted already, as Personalize's guide shows it.
_QUOTED_LIST = re.compile(r'"[^"\\]*"(\s*,\s*"[^"\\]*")*')

Pairs = tuple[tuple[str, str], ...]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`filter_values` and `context` are sorted pairs, not dicts, so that an Options is a key.

    `metadata` None is the default: with metadata where the campaign can.
    """

    num_results: int = DEFAULT_RESULTS
    group: str | None = None
    solution: str | None = None
    filter: str | None = None
    filter_values: Pairs = ()
    context: Pairs = ()
    metadata: bool | None = None


def parse_options(
    given: Mapping[str, object], *, also: tuple[str, ...] = (), sized: bool = True
) -> Options:
    """Options from a query string (all values text) or a JSON object (typed values).

    `also` names further keys that the caller reads itself. Not `sized`: numResults is no option
    (a ranking has as many results as it was given items).

    Raises:
        BadRequest: an option is unknown or has a wrong value.
    """
    known = {*NAMES, *also} - ({"numResults"} if not sized else set())
    unknown = sorted(set(given) - known)
    if unknown:
        # Never ignored: an answer to a misspelt filter would be an unfiltered one.
        raise BadRequest(
            f"Unknown parameter {short(unknown[0])}. Expected one of: {one_of(known)}."
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


# -- single values ---------------------------------------------------------------------------------


def _num_results(value: object) -> int:
    if value is None:
        return DEFAULT_RESULTS
    number = _whole_number(value)
    if number is None or not 1 <= number <= MAX_RESULTS:
        expected = f"Expected a whole number from 1 to {MAX_RESULTS}."
        raise BadRequest(f"numResults has value {short(value)}. {expected}")
    return number


def _whole_number(value: object) -> int | None:
    # A query string gives text. A regular expression, because int() takes "٣", "1_000" and " 5 " too.
    if isinstance(value, str):
        return int(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    return int(value) if is_whole(value) else None


def _name(value: object, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME_CHARACTERS:
        raise BadRequest(f"{name} has value {short(value)}. Expected a name.")
    return value


def _flag(value: object, name: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise BadRequest(f"{name} has value {short(value)}. Expected one of: true, false.")


# -- filterValues ----------------------------------------------------------------------------------


def _filter_values(value: object) -> Pairs:
    """Values in the service's syntax: text in double quotes, lists with commas, numbers bare."""
    pairs = _pairs(value, "filterValues", _FILTER_KEY, MAX_FILTER_VALUES)
    return tuple((key, _checked(_filter_value(value, key), key)) for key, value in pairs)


def _filter_value(value: object, key: str) -> str:
    name = f"filterValues.{key}"
    if not isinstance(value, list):
        return _filter_scalar(value, name)
    if not value:
        raise BadRequest(f"{name} is an empty list. Expected at least one value.")
    if any(isinstance(member, list) for member in value):
        raise BadRequest(f"{name} holds a list in a list. Expected text and numbers.")
    return ",".join(_filter_scalar(member, name) for member in value)


def _filter_scalar(value: object, name: str) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")  # digits: str() of a Decimal may be "1E+3"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    if not isinstance(value, str):
        expected = "Expected text, a number or a list of them."
        raise BadRequest(f"{name} has a value of type {type_name(value)}. {expected}")
    return _quote(value, name)


def _quote(text: str, name: str) -> str:
    """Quoted here and nowhere else, so that no value can leave its quotes and become syntax."""
    if _QUOTED_LIST.fullmatch(text):
        return text
    if '"' in text or "\\" in text:
        raise BadRequest(f"{name} holds a double quote or a backslash. Expected text without them.")
    return f'"{text}"'


# -- context ---------------------------------------------------------------------------------------


def _context(value: object) -> Pairs:
    pairs = _pairs(value, "context", _CONTEXT_KEY, MAX_CONTEXT_VALUES)
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


# -- objects ---------------------------------------------------------------------------------------


def _pairs(
    value: object, name: str, key_pattern: re.Pattern[str], most: int
) -> list[tuple[str, object]]:
    """Sorted pairs of a JSON object, or of a text that holds one (query strings)."""
    if value is None:
        return []
    found = decode_json(value, name) if isinstance(value, str) else value
    if not isinstance(found, dict):
        expected = "Expected a JSON object of names and values."
        raise BadRequest(f"{name} has a value of type {type_name(found)}. {expected}")
    if len(found) > most:
        raise BadRequest(f"{name} has {len(found)} entries. Expected at most {most}.")
    for key in found:
        if not key_pattern.fullmatch(key):
            expected = "Expected letters, digits and underscores."
            raise BadRequest(f"{name} has the key {short(key)}. {expected}")
    return sorted(found.items())


def _checked(value: str, key: str) -> str:
    if len(value) > MAX_VALUE_CHARACTERS:
        expected = f"Expected at most {MAX_VALUE_CHARACTERS}."
        raise BadRequest(f"The value of {key!r} has {len(value):,} characters. {expected}")
    return value
