"""The item attributes of a segment job: `ITEMS.genres = "Comedy" AND ITEMS.genres = "Action"`.

Only = and AND exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from recdrop.personalize.filters.caret import point

_TOKENS = {
    "field": (re.compile(r"items\.\w+", re.IGNORECASE), "a field such as ITEMS.genres"),
    "equals": (re.compile("="), "="),
    "value": (re.compile('"[^"]*"'), "a value in double quotes"),
    "and": (re.compile(r"and\b", re.IGNORECASE), "AND"),
    "end": (re.compile(r"\Z"), "the end"),
}
# The whole grammar: what may follow what.
_NEXT = {"field": ("equals",), "equals": ("value",), "value": ("and", "end"), "and": ("field",)}


class SegmentQueryError(ValueError):
    """`column` is the 1-based place in the query."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Attribute:
    """An item has it when one of the values of its `field` is `value`, exactly."""

    field: str
    value: str

    def __str__(self) -> str:
        return f'ITEMS.{self.field} = "{self.value}"'


def parse(query: str) -> tuple[Attribute, ...]:
    """All attributes an item must have.

    Raises:
        SegmentQueryError: with a caret under the column.
    """
    attributes: list[Attribute] = []
    field, kind, position = "", "and", 0
    while kind != "end":
        kind, text, position = _read(query, position, _NEXT[kind])
        if kind == "field":
            field = text.partition(".")[2]
        elif kind == "value":
            attributes.append(Attribute(field, text[1:-1]))
    return tuple(attributes)


def _read(query: str, position: int, expected: tuple[str, ...]) -> tuple[str, str, int]:
    position += len(query[position:]) - len(query[position:].lstrip())
    for kind in expected:
        token = _TOKENS[kind][0].match(query, position)
        if token:
            return kind, token[0], token.end()
    words = " or ".join(_TOKENS[kind][1] for kind in expected)
    found = repr(query[position:].split(maxsplit=1)[0][:30]) if position < len(query) else "the end"
    message = (
        f"Invalid itemAttributes: expected {words}, found {found}.\n{point(query, position + 1)}"
    )
    raise SegmentQueryError(message, position + 1)
