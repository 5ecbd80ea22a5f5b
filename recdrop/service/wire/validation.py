"""Holds a parsed JSON request against a botocore shape.

Checked are required members, types, unknown members, enum, pattern, min and max. botocore itself
checks only required, type and minimum, so a client sends a 500-character name without a word, and the
service refuses it. Texts follow AWS's form:
`1 validation error detected: Value 'x' at 'name' failed to satisfy constraint: Member must ...`.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from recdrop.service.errors import ServiceError

MOST_SHOWN = 200  # characters of a wrong value in the text of the refusal
Problems = list[str]
Check = Callable[[Any, str, Problems], None]


def validate(
    value: object, shape: StructureShape, invalid: Callable[[str], ServiceError]
) -> Mapping[str, Any]:
    """The request itself when it satisfies `shape`.

    Raises:
        ServiceError: what `invalid` makes of a text that names every problem.
    """
    problems: Problems = []
    _check_for(shape)(value, "", problems)
    if problems:
        plural = "error" if len(problems) == 1 else "errors"
        raise invalid(f"{len(problems)} validation {plural} detected: {'; '.join(problems)}")
    assert isinstance(value, dict)  # noqa: S101 - the structure check above has seen it
    return value


# A check is built once per shape and kept, as requests of a shape come by the thousand. It asks for
# those of its members only when it meets one: a shape may hold itself, as SageMaker's searches do.
@cache
def _check_for(shape: Shape) -> Check:
    if isinstance(shape, StructureShape):
        return _structure(shape)
    if isinstance(shape, ListShape):
        return _list(shape)
    if isinstance(shape, MapShape):
        return _map(shape)
    return _SCALARS[shape.type_name](shape)


def _structure(shape: StructureShape) -> Check:
    members = shape.members
    required = tuple(shape.required_members)

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append(_failed(value, path, "Member must be a structure"))
            return
        problems.extend(
            _failed(None, _join(path, name), "Member must not be null")
            for name in required
            if value.get(name) is None
        )
        for name, member in value.items():
            if name not in members:
                problems.append(
                    _failed(member, _join(path, name), f"Member must be one of {sorted(members)}")
                )
            elif member is not None:
                _check_for(members[name])(member, _join(path, name), problems)

    return check


def _list(shape: ListShape) -> Check:
    size = _size(shape)

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.append(_failed(value, path, "Member must be a list"))
            return
        size(value, path, problems)
        element = _check_for(shape.member)
        for position, member in enumerate(value, start=1):
            where = f"{path}.{position}.member"
            if member is None:
                problems.append(_failed(None, where, "Member must not be null"))
            else:
                element(member, where, problems)

    return check


def _map(shape: MapShape) -> Check:
    size = _size(shape)

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append(_failed(value, path, "Member must be a map"))
            return
        size(value, path, problems)
        key_check, value_check = _check_for(shape.key), _check_for(shape.value)
        for key, member in value.items():
            key_check(key, f"{path}.key", problems)
            if member is None:
                problems.append(_failed(None, f"{path}.{key}.member", "Member must not be null"))
            else:
                value_check(member, f"{path}.{key}.member", problems)

    return check


def _string(shape: Shape) -> Check:
    size = _size(shape)
    enum = shape.metadata.get("enum")
    pattern = _compile(shape.metadata["pattern"]) if "pattern" in shape.metadata else None
    shown_pattern = shape.metadata.get("pattern")

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append(_failed(value, path, "Member must be a string"))
            return
        size(value, path, problems)
        if enum and value not in enum:
            problems.append(
                _failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
            )
        if pattern and not pattern.fullmatch(value):
            problems.append(
                _failed(
                    value, path, f"Member must satisfy regular expression pattern: {shown_pattern}"
                )
            )

    return check


def _integer(shape: Shape) -> Check:
    bounds = _bounds(shape)

    def check(value: Any, path: str, problems: Problems) -> None:
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not is_whole:  # to Python, True is an int
            problems.append(_failed(value, path, "Member must be an integer"))
        elif not -(2**63) <= value < 2**63:
            problems.append(_failed(value, path, "Member must fit 64 bits"))
        else:
            bounds(value, path, problems)

    return check


def _float(shape: Shape) -> Check:
    bounds = _bounds(shape)

    def check(value: Any, path: str, problems: Problems) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            problems.append(_failed(value, path, "Member must be a finite number"))
        else:
            bounds(value, path, problems)

    return check


def _boolean(_shape: Shape) -> Check:
    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, bool):
            problems.append(_failed(value, path, "Member must be a boolean"))

    return check


_SCALARS: Mapping[str, Callable[[Shape], Check]] = {
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "timestamp": _float,  # epoch seconds in both protocols
    "boolean": _boolean,
}


def _size(shape: Shape) -> Check:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any, path: str, problems: Problems) -> None:
        if low is not None and len(value) < low:
            problems.append(
                _failed(value, path, f"Member must have length greater than or equal to {low}")
            )
        if high is not None and len(value) > high:
            problems.append(
                _failed(value, path, f"Member must have length less than or equal to {high}")
            )

    return check


def _bounds(shape: Shape) -> Check:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any, path: str, problems: Problems) -> None:
        if low is not None and value < low:
            problems.append(
                _failed(value, path, f"Member must have value greater than or equal to {low}")
            )
        if high is not None and value > high:
            problems.append(
                _failed(value, path, f"Member must have value less than or equal to {high}")
            )

    return check


def _compile(pattern: str) -> re.Pattern[str] | None:
    """The model's patterns are Java's: what Python writes otherwise is spelled out for it.

    None for the few that Python cannot read, such as `(...)${1,128}`; those check nothing.
    """
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    pattern = re.sub(r"\\p\{([MPS])\}", lambda found: _category(found[1]), pattern)
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


_JAVA = {
    r"\p{ASCII}": r"[\x00-\x7F]",
    r"\p{Alnum}": "A-Za-z0-9",
    r"\p{Print}": r"\x20-\x7E",
    r"\p{L}": r"\w",
    r"\p{N}": r"",  # \w of \p{L} has them
    r"\p{Z}": "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U00010000-\U0010ffff",  # in UTF-16, as Java has it
    r"\z": r"\Z",
}


@cache
def _category(initial: str) -> str:
    """The characters of a class of Unicode (M marks, P punctuation, S symbols), for within `[]`."""
    characters = map(chr, range(sys.maxunicode + 1))
    return re.escape("".join(c for c in characters if unicodedata.category(c)[0] == initial))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _failed(value: object, path: str, constraint: str) -> str:
    text = str(value)
    if len(text) > MOST_SHOWN:
        text = f"{text[:MOST_SHOWN]}..."
    shown = "null" if value is None else f"'{text}'"
    return f"Value {shown} at '{path or 'body'}' failed to satisfy constraint: {constraint}"
