"""Evaluates filter expressions: one boolean per row of a catalogue."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recdrop.personalize.filters.terms import EVENTS, Condition, Expression, FilterError, Term

HISTORY = {"Interactions": 100, "Action_Interactions": 300}
"""Events of one type and user that a filter looks at, newest first."""

Mask = NDArray[np.bool_]
Value = str | float | None


class Catalogue:
    """The table a filter chooses from: items, actions or users, column by column.

    `columns` maps a field name to an array of `size` values: an object array of `str | None`
    (several values joined with "|"), or a float array in which NaN is missing. An index per text
    column is built on first use and kept, so keep one Catalogue per imported table. Reading it from
    several threads is safe.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], size: int) -> None:
        wrong = {name: len(values) for name, values in columns.items() if len(values) != size}
        if wrong:
            raise ValueError(f"Catalogue columns have {wrong} values. Expected {size} in each.")
        self.columns = columns
        self.size = size
        self._indexes: dict[str, _Index] = {}

    def is_number(self, name: str) -> bool:
        return name in self.columns and self.columns[name].dtype.kind in "fiub"

    def having(self, name: str, wanted: Iterable[str]) -> Mask:
        """Rows in which one of the field's values is one of `wanted`."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = _Index(self.columns.get(name, np.empty(0, dtype=object)))
        mask = np.zeros(self.size, dtype=np.bool_)
        for value in wanted:
            mask[index.rows(value)] = True
        return mask

    def present(self, name: str) -> Mask:
        column = self.columns.get(name, np.full(self.size, None, dtype=object))
        return np.fromiter((bool(value) for value in column), dtype=np.bool_, count=self.size)


class _Index:
    """The rows of every single value of a text column.

    They are put together when a value is first asked for.
    """

    def __init__(self, column: NDArray[Any]) -> None:
        # A column has few different texts, so each is split at its "|" once, and not once a row.
        codes_of: dict[str, int] = {}
        codes = np.fromiter(
            (codes_of.setdefault(text or "", len(codes_of)) for text in column),
            np.int64,
            len(column),
        )
        self._order = np.argsort(codes, kind="stable").astype(np.int32)
        self._bounds = np.searchsorted(codes[self._order], np.arange(len(codes_of) + 1))
        self._codes: dict[str, list[int]] = {}
        for text, code in codes_of.items():
            for value in set(text.split("|")) - {""}:
                self._codes.setdefault(value, []).append(code)
        self._rows: dict[str, NDArray[np.int32]] = {}

    def rows(self, value: str) -> NDArray[np.int32]:
        known = self._rows.get(value)
        if known is None:
            slices = [
                self._order[self._bounds[code] : self._bounds[code + 1]]
                for code in self._codes.get(value, ())
            ]
            known = np.sort(np.concatenate(slices)) if slices else _NO_ROWS
            if slices:
                self._rows[value] = known
        return known


_NO_ROWS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True)
class FilterContext:
    """What one request is filtered with.

    catalogue     the table of ItemID, ActionID or UserID; the mask has one entry per row
    user          the current user's metadata, field -> str | float | None (empty when unknown)
    events        event type -> int array of catalogue rows, oldest first. For ItemID and ActionID:
                  what the
                  current user interacted with (the last 100, or 300 actions, count). For UserID:
                  every user with an event of that type
    current_item  metadata of the item of the request (related items only), None when there is none
    """

    catalogue: Catalogue
    user: Mapping[str, Value] = field(default_factory=dict)
    events: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    current_item: Mapping[str, Value] | None = None
    is_segment: bool = False  # set by Filter.mask: no limit on the events of each user


def rows_of(
    expression: Expression, context: FilterContext, values: Mapping[str, str]
) -> Mask | None:
    """bool[catalogue.size], True for the rows `expression` speaks of.

    None when it does not apply to this request.
    """
    missing = sorted(expression.parameters - values.keys())
    # The service lets an EXCLUDE without its value pass, and refuses an INCLUDE.
    if missing and expression.verb == "INCLUDE":
        names = ", ".join(f"${name}" for name in missing)
        raise FilterError(
            f"Missing filter values for {names}. An INCLUDE filter needs a value for every placeholder."
        )
    if missing:
        return None
    # The current user is a table of one row, so IF is evaluated like any other condition.
    user = FilterContext(_one_row(context.user))
    if not all(_matching(condition, user, values)[0] for condition in expression.only_if):
        return None
    groups = [
        np.logical_and.reduce([_matching(condition, context, values) for condition in group])
        for group in expression.any_of
    ]
    rows: Mask = np.logical_or.reduce(groups)
    return rows


def _matching(condition: Condition, context: FilterContext, values: Mapping[str, str]) -> Mask:
    condition = _bind(condition, context.current_item or {}, values)
    if condition.dataset in EVENTS:
        return _interacted(condition, context)
    catalogue, name = context.catalogue, condition.name
    strings = [term.text for term in condition.terms if term.kind != "number"]
    if condition.operator == "IN":
        return catalogue.having(name, strings)
    if condition.operator == "NOT IN":
        return ~catalogue.having(name, strings)
    if catalogue.is_number(name):
        return _compare(catalogue.columns[name], condition)
    equal = catalogue.having(name, [term.text for term in condition.terms])
    # != is not fulfilled by an item without a value.
    return equal if condition.operator == "=" else catalogue.present(name) & ~equal


def _compare(column: NDArray[Any], condition: Condition) -> Mask:
    if not condition.terms:
        return np.zeros(len(column), dtype=np.bool_)
    number = _number(condition.terms[0].text, condition)
    if condition.operator == "!=":
        return np.asarray((column != number) & ~np.isnan(column))
    compare = {
        "=": np.equal,
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
    }
    return np.asarray(compare[condition.operator](column, number))


def _interacted(condition: Condition, context: FilterContext) -> Mask:
    last = None if context.is_segment else -HISTORY[condition.dataset]
    wanted = {term.text.lower() for term in condition.terms}
    is_any = any(term.kind == "star" for term in condition.terms)
    mask = np.zeros(context.catalogue.size, dtype=np.bool_)
    for event_type, rows in context.events.items():
        if is_any or (event_type.lower() in wanted) == (condition.operator == "IN"):
            mask[rows[last:]] = True
    return mask


def _bind(
    condition: Condition, current_item: Mapping[str, Value], values: Mapping[str, str]
) -> Condition:
    """`condition` with placeholders and current item replaced by their values."""
    bound: list[Term] = []
    for term in condition.terms:
        if term.kind == "placeholder":
            bound += _given(term, condition, values[term.text])
        elif term.kind == "field":
            bound += _of_item(current_item.get(term.text.partition(".")[2]))
        else:
            bound.append(term)
    return replace(condition, terms=tuple(bound))


_QUOTED_LIST = re.compile(r'\s*"[^"]*"\s*(,\s*"[^"]*"\s*)*')


# No " inside a value: the service documents no way to escape one.
def _given(term: Term, condition: Condition, raw: str) -> list[Term]:
    is_list = condition.operator == "IN"
    if _QUOTED_LIST.fullmatch(raw):
        terms = [Term("string", text) for text in re.findall(r'"([^"]*)"', raw)]
        if is_list or len(terms) == 1:
            return terms
    elif not is_list and '"' not in raw:
        return [Term("number", raw.strip())]
    expected = "one value"
    if is_list:
        expected = 'strings in double quotes joined with commas, such as "a","b", with no " inside'
    raise FilterError(f"Invalid filter value {raw!r} for ${term.text}. Expected {expected}.")


def _of_item(value: Value) -> list[Term]:
    if isinstance(value, str):
        return [Term("string", text) for text in value.split("|")]
    if value is None or math.isnan(value):
        return []
    return [Term("number", repr(float(value)))]


def _number(text: str, condition: Condition) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FilterError(
            f"Invalid filter value {text!r} for {condition.dataset}.{condition.name}. Expected a number."
        )
    return number


def _one_row(values: Mapping[str, Value]) -> Catalogue:
    return Catalogue(
        {name: np.array([value], dtype=_dtype(value)) for name, value in values.items()}, 1
    )


def _dtype(value: Value) -> type:
    return object if value is None or isinstance(value, str) else float
