"""The values of a member's fields, checked one by one.

`name` is a field's place in the request (`events[3].sentAt`): every BadRequest begins with it.
Limits are the service's (personalize-events' service model).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.ids import to_id
from chalicelib.serving.values import short, type_name

MAX_EVENT_PROPERTIES_CHARACTERS = 1_024
MAX_IMPRESSIONS = 25
MAX_RECOMMENDATION_ID_CHARACTERS = 40
MAX_EVENT_VALUE = 3.4e38  # the service keeps a 32-bit float
MILLISECONDS_FROM = (
    100_000_000_000  # as seconds this is the year 5138: such a number is milliseconds
)
LATEST_SECONDS = 4_102_444_800  # 2100-01-01, far enough from the year 9999 at which datetime ends

_DIGITS = re.compile(r"[0-9]{1,16}")
# Personalize: "Don't use these keys in properties". Compared without case and underscores.
_RESERVED_PROPERTIES = frozenset(
    {"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"}
)


def optional_id(given: Mapping[str, Any], key: str, name: str) -> str | None:
    value = given.get(key)
    return None if value is None else to_id(value, f"{name}.{key}")


def event_type(value: Any, name: str) -> str:
    if value is None:
        raise BadRequest(f"{name} is missing. Expected 1 to 256 characters.")
    if not isinstance(value, str):
        raise BadRequest(f"{name} has a value of type {type_name(value)}. Expected a string.")
    return to_id(value, name)  # the service's limits for a type are those for an id


# -- numbers ---------------------------------------------------------------------------------------


def epoch_seconds(value: Any, name: str) -> float | None:
    """Epoch seconds of a number, or of an ISO 8601 text, which is UTC without a zone.

    A number that is too large for seconds is taken for milliseconds.
    """
    if value is None:
        return None
    seconds = _seconds(value)
    if seconds is None:
        expected = "Expected epoch seconds or an ISO 8601 date and time."
        raise BadRequest(f"{name} has value {short(value)}. {expected}")
    if not 0 < seconds < LATEST_SECONDS:
        raise BadRequest(f"{name} has value {short(value)}. Expected a time from 1970 to 2099.")
    return seconds


def _seconds(value: Any) -> float | None:
    if not isinstance(value, str):
        return _from_number(value)
    # Clients that build JSON by hand send numbers as text.
    return _from_number(float(value)) if _DIGITS.fullmatch(value) else _from_iso(value)


def _from_number(value: Any) -> float | None:
    # Compared before it becomes a float: JSON's whole numbers may be too large for one.
    if not _is_number(value) or not abs(value) < MILLISECONDS_FROM * 1000:
        return None
    return float(value / 1000 if value >= MILLISECONDS_FROM else value)


def _from_iso(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def number(value: Any, name: str) -> float | None:
    """An eventValue: any finite number that 32 bits hold."""
    if value is None:
        return None
    # NaN cannot come in: JSON has none.
    if not _is_number(value) or not abs(value) < MAX_EVENT_VALUE:
        raise BadRequest(f"{name} has value {short(value)}. Expected a number.")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# -- properties ------------------------------------------------------------------------------------


def event_properties(value: Any, name: str) -> str | None:
    """As `properties`, and no key that the service has a field for."""
    text = properties(value, name, MAX_EVENT_PROPERTIES_CHARACTERS)
    keys = msgspec.json.decode(text) if text else ()
    reserved = sorted(key for key in keys if key.replace("_", "").lower() in _RESERVED_PROPERTIES)
    if reserved:
        expected = "Expected it as a field of the event."
        raise BadRequest(f"{name} has the reserved key {short(reserved[0])}. {expected}")
    return text


def properties(value: Any, name: str, most: int) -> str | None:
    """Compact JSON text of an object, or of a text that holds one; `most` characters of it."""
    if value is None or value == {}:
        return None
    found = _decode_object(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise BadRequest(f"{name} has a value of type {type_name(found)}. Expected a JSON object.")
    text = msgspec.json.encode(found).decode()
    if len(text) > most:
        raise BadRequest(f"{name} has {len(text):,} characters of JSON. Expected at most {most}.")
    return text


def _decode_object(text: str) -> Any:
    """The text itself when it is no JSON: the message then speaks of a string."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


# -- what was shown --------------------------------------------------------------------------------


def recommendation_id(value: Any, name: str) -> str | None:
    if value is None:
        return None
    most = MAX_RECOMMENDATION_ID_CHARACTERS
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise BadRequest(f"{name} has value {short(value)}. Expected 1 to {most} characters.")
    return value


def impression(value: Any, name: str) -> tuple[str, ...]:
    """The items that the user saw."""
    if value is None:
        return ()
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_IMPRESSIONS:
        raise BadRequest(f"{name} is not a list of 1 to {MAX_IMPRESSIONS} item ids.")
    return tuple(to_id(item, f"{name}[{place}]") for place, item in enumerate(value))
