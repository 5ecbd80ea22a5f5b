"""Filter expressions: parsed once, checked against the schemas, evaluated as one mask over the whole catalogue.

    parse('EXCLUDE ItemID WHERE Items.GENRES IN ($GENRE)').mask(context, {"GENRE": '"Comedy"'})

Where the service's documents are silent this module decides, and says so here:

* AND mixed with OR has no documented precedence: refused, unless `strict=False` (then AND binds first).
* Keywords, `ItemID` and dataset names are read in any case; field names, values and placeholders exactly;
  event types in any case.
* A missing value satisfies NOT IN and nothing else.
* An expression whose IF does not hold is left out; when that leaves no INCLUDE, everything is allowed.
* `Interactions.EVENT_TYPE NOT IN (...)` means: some interaction of another type.

Not here: where the values come from (runtime.py) and quotas over several filters (lifecycles).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from numpy.typing import NDArray

from local.personalize.caret import point
from local.personalize.schemas import DatasetSchema

MAX_EXPRESSION = 2_500
MAX_FIELDS = 10
HISTORY = {"Interactions": 100, "Action_Interactions": 300}
"""Events of one type and user that a filter looks at, newest first."""

DATASETS = ("Items", "Interactions", "Users", "Actions", "Action_Interactions", "CurrentUser", "CurrentItem")
FILTERABLE = {
    "ItemID": ("Items", "Interactions"),
    "UserID": ("Users", "Interactions"),
    "ActionID": ("Actions", "Action_Interactions"),
}
SCHEMA_OF = {"CurrentUser": "USERS", "CurrentItem": "ITEMS"}

Mask = NDArray[np.bool_]
Value = str | float | None


class FilterError(ValueError):
    """`column` is the 1-based place in the expression, None when a value given at request time is wrong."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Term:
    """One operand: a quoted string, a number, a $placeholder, the star, or a field of the current item."""

    kind: Literal["string", "number", "placeholder", "star", "field"]
    text: str
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return {"string": f'"{self.text}"', "placeholder": f"${self.text}"}.get(self.kind, self.text)


@dataclass(frozen=True)
class Condition:
    dataset: str
    name: str
    operator: str
    terms: tuple[Term, ...]
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        terms = ", ".join(map(str, self.terms))
        is_list = self.operator in ("IN", "NOT IN") and self.terms[0].kind != "field"
        return f"{self.dataset}.{self.name} {self.operator} {f'({terms})' if is_list else terms}"


@dataclass(frozen=True)
class Expression:
    """`any_of` is an OR of ANDs; `only_if` an AND over the current user."""

    verb: Literal["INCLUDE", "EXCLUDE"]
    target: str
    any_of: tuple[tuple[Condition, ...], ...]
    only_if: tuple[Condition, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(condition for group in self.any_of for condition in group)

    @cached_property
    def parameters(self) -> frozenset[str]:
        terms = (term for condition in (*self.conditions, *self.only_if) for term in condition.terms)
        return frozenset(term.text for term in terms if term.kind == "placeholder")

    def __str__(self) -> str:
        where = " OR ".join(" AND ".join(map(str, group)) for group in self.any_of)
        only_if = f" IF {' AND '.join(map(str, self.only_if))}" if self.only_if else ""
        return f"{self.verb} {self.target} WHERE {where}{only_if}"


class Catalogue:
    """The table a filter chooses from (items, actions or users), column by column, with an index per text column.

    `columns` maps a field name to an array of `size` values: an object array of `str | None` (several values
    joined with "|"), or a float array in which NaN is missing. Indexes are built on first use and kept, so keep
    one Catalogue per imported table. Reading it from several threads is safe.
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

    def numbers(self, name: str) -> NDArray[Any] | None:
        return self.columns.get(name)

    def having(self, name: str, wanted: Iterable[str]) -> Mask:
        """Rows in which one of the field's values is one of `wanted`."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = _Index(self.columns.get(name, np.empty(0, dtype=object)))
        mask = np.zeros(self.size, dtype=np.bool_)
        for value in wanted:
            for rows in index.rows(value):
                mask[rows] = True
        return mask

    def present(self, name: str) -> Mask:
        column = self.columns.get(name, np.full(self.size, None, dtype=object))
        return np.fromiter((bool(value) for value in column), dtype=np.bool_, count=self.size)


class _Index:
    """Rows sorted by the text they hold, and for each single value the texts it occurs in."""

    def __init__(self, column: NDArray[Any]) -> None:
        codes_of: dict[str, int] = {}
        codes = np.fromiter((codes_of.setdefault(text or "", len(codes_of)) for text in column), np.int64, len(column))
        self._order = np.argsort(codes, kind="stable").astype(np.int32)
        self._bounds = np.searchsorted(codes[self._order], np.arange(len(codes_of) + 1))
        self._codes: dict[str, list[int]] = {}
        for text, code in codes_of.items():
            for value in set(text.split("|")) - {""}:
                self._codes.setdefault(value, []).append(code)

    def rows(self, value: str) -> Iterable[NDArray[np.int32]]:
        for code in self._codes.get(value, ()):
            yield self._order[self._bounds[code] : self._bounds[code + 1]]


@dataclass(frozen=True)
class FilterContext:
    """What one request is filtered with.

    catalogue     the table of ItemID, ActionID or UserID; the mask has one entry per row
    user          the current user's metadata, field -> str | float | None (empty when unknown)
    events        event type -> int array of catalogue rows, oldest first. For ItemID and ActionID: what the
                  current user interacted with (the last 100, or 300 actions, count). For UserID: every user
                  with an event of that type
    current_item  metadata of the item of the request (related items only), None when there is none
    """

    catalogue: Catalogue
    user: Mapping[str, Value] = field(default_factory=dict)
    events: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    current_item: Mapping[str, Value] | None = None
    is_segment: bool = False  # set by Filter.mask: no limit on the events of each user


@dataclass(frozen=True)
class Filter:
    text: str
    expressions: tuple[Expression, ...]

    @property
    def target(self) -> str:
        return self.expressions[0].target

    @cached_property
    def parameters(self) -> frozenset[str]:
        return frozenset().union(*(expression.parameters for expression in self.expressions))

    @cached_property
    def fields(self) -> frozenset[tuple[str, str]]:
        """(dataset type, field) of every field read, such as ("ITEMS", "GENRES"). The service counts them."""
        return frozenset(named[:2] for named in self._named_fields())

    @property
    def needs_current_item(self) -> bool:
        return any(term.kind == "field" for condition in self._conditions() for term in condition.terms)

    def check(self, schemas: Mapping[str, DatasetSchema]) -> None:
        """Raise FilterError unless every field exists in `schemas` (dataset type -> schema) and can be filtered on."""
        for dataset, name, column in self._named_fields():
            if dataset not in schemas:
                raise _invalid(self.text, column, f"the dataset group has no {dataset} dataset with a schema")
            problem = _unfilterable(schemas[dataset], name)
            if problem:
                raise _invalid(self.text, column, problem)
        for condition in self._conditions():
            self._check_type(condition, schemas)

    def mask(self, context: FilterContext, values: Mapping[str, str] | None = None) -> Mask:
        """bool[catalogue.size], True where the filter lets the row through.

        `values` are the request's filterValues, such as {"GENRE": '"Comedy","Drama"', "YEAR": "1999"}. Raises
        FilterError for a value that is missing (INCLUDE), misshapen or not asked for.
        """
        values = values or {}
        unknown = sorted(values.keys() - self.parameters)
        if unknown:
            expected = ", ".join(sorted(self.parameters)) or "none"
            raise FilterError(f"Invalid filter parameter {unknown[0]!r}. Parameters of this filter: {expected}.")
        context = replace(context, is_segment=self.target == "UserID")
        included: list[Mask] = []
        excluded: list[Mask] = []
        for expression in self.expressions:
            rows = _rows(expression, context, values)
            if rows is not None:
                (included if expression.verb == "INCLUDE" else excluded).append(rows)
        allowed = np.logical_or.reduce(included) if included else np.ones(context.catalogue.size, dtype=np.bool_)
        for rows in excluded:
            allowed &= ~rows
        return allowed

    def __str__(self) -> str:
        return " | ".join(map(str, self.expressions))

    def _conditions(self) -> Iterable[Condition]:
        for expression in self.expressions:
            yield from (*expression.conditions, *expression.only_if)

    def _named_fields(self) -> Iterable[tuple[str, str, int]]:
        for condition in self._conditions():
            yield _schema_of(condition.dataset), condition.name, condition.column
            for term in condition.terms:
                if term.kind == "field":
                    yield "ITEMS", term.text.partition(".")[2], term.column

    def _check_type(self, condition: Condition, schemas: Mapping[str, DatasetSchema]) -> None:
        spec = schemas[_schema_of(condition.dataset)].field(condition.name)
        where = f"{condition.dataset}.{condition.name} has type {spec.type}"
        is_list = condition.operator in ("IN", "NOT IN")
        if is_list and spec.type != "string":
            raise _invalid(self.text, condition.column, f"{where}: IN compares strings, use =, <, <=, > or >=")
        is_user_equality = condition.dataset == "CurrentUser" and condition.operator in ("=", "!=")
        if not is_list and spec.type == "string" and not is_user_equality:
            raise _invalid(self.text, condition.column, f"{where}: {condition.operator} compares numbers, use IN")
        for term in condition.terms:
            if term.kind != "field":
                continue
            other = schemas["ITEMS"].field(term.text.partition(".")[2])
            if (other.type == "string") != (spec.type == "string"):
                raise _invalid(self.text, term.column, f"{where}, but {term.text} has type {other.type}")


@lru_cache(maxsize=1024)
def parse(expression: str, *, strict: bool = True) -> Filter:
    """Read `expression`. Raises FilterError, with a caret under the column. `strict` refuses AND mixed with OR."""
    if not 0 < len(expression) <= MAX_EXPRESSION:
        raise FilterError(
            f"Could not create filter. Invalid Expression: it has {len(expression)} characters. "
            f"Expected 1 to {MAX_EXPRESSION}."
        )
    try:
        tree = _grammar().parse(expression)
        expressions = _Builder(expression, strict=strict).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    except UnexpectedInput as error:
        raise _unexpected(expression, error) from None
    _check_rules(expression, expressions)
    parsed = Filter(expression, expressions)
    if len(parsed.fields) > MAX_FIELDS:
        raise FilterError(
            f"Could not create filter. Invalid Expression: it uses {len(parsed.fields)} distinct fields. "
            f"Expected at most {MAX_FIELDS}."
        )
    return parsed


# -- reading


@cache
def _grammar() -> Lark:
    return Lark(Path(__file__).with_name("filters.lark").read_text(), parser="lalr", maybe_placeholders=False)


class _Builder(Transformer[Token, Any]):
    """Turns lark's tree into expressions. Methods are named after the grammar's rules."""

    def __init__(self, text: str, *, strict: bool) -> None:
        super().__init__()
        self._text = text
        self._strict = strict

    def start(self, expressions: list[Expression]) -> tuple[Expression, ...]:
        return tuple(expressions)

    def expression(self, parts: list[Any]) -> Expression:
        verb, target, any_of, *only_if = parts
        return Expression(verb, target, any_of, only_if[0] if only_if else ())

    def verb(self, tokens: list[Token]) -> str:
        return tokens[0].upper()

    def target(self, tokens: list[Token]) -> str:
        return _canonical(tokens[0], FILTERABLE)

    def chain(self, parts: list[Any]) -> tuple[tuple[Condition, ...], ...]:
        connectors: list[Token] = parts[1::2]
        mixed = next((token for token in connectors if token.type != connectors[0].type), None)
        if mixed is not None and self._strict:
            reason = (
                "AND and OR are mixed in one expression, and the service documents no precedence for them; "
                'split it into expressions joined with "|"'
            )
            raise _invalid(self._text, _column(mixed), reason)
        groups: list[list[Condition]] = [[parts[0]]]
        for connector, condition in zip(connectors, parts[2::2], strict=True):
            if connector.type == "AND":
                groups[-1].append(condition)
            else:
                groups.append([condition])
        return tuple(map(tuple, groups))

    def user_chain(self, parts: list[Any]) -> tuple[Condition, ...]:
        conditions: list[Condition] = parts[::2]
        for condition in conditions:
            if condition.dataset != "CurrentUser":
                raise _invalid(self._text, condition.column, "IF tests CurrentUser and nothing else")
        return tuple(conditions)

    def connector(self, tokens: list[Token]) -> Token:
        return tokens[0]

    def item(self, tokens: list[Token]) -> Term:
        return _term(tokens[0])

    def operand(self, children: list[Term | Token]) -> Term:
        child = children[0]
        return child if isinstance(child, Term) else self._current_item(child)

    def is_in(self, parts: list[Any]) -> Condition:
        return self._condition(parts[0], "IN", parts[1:])

    def is_in_field(self, parts: list[Any]) -> Condition:
        return self._condition(parts[0], "IN", [self._current_item(parts[1])])

    def is_not_in(self, parts: list[Any]) -> Condition:
        for term in parts[1:]:
            if term.kind == "placeholder":
                message = (
                    f"Could not create filter. Invalid input symbol: ${term.text}. "
                    f"Placeholders are not allowed with NOT_IN operator.\n{point(self._text, term.column)}"
                )
                raise FilterError(message, term.column)
        return self._condition(parts[0], "NOT IN", parts[1:])

    def compares(self, parts: list[Any]) -> Condition:
        return self._condition(parts[0], str(parts[1]), parts[2:])

    def _current_item(self, token: Token) -> Term:
        dataset, name = self._split(token)
        if dataset != "CurrentItem":
            raise _invalid(self._text, _column(token), f"expected a value or CurrentItem.FIELD, found {str(token)!r}")
        return Term("field", f"{dataset}.{name}", _column(token))

    def _condition(self, token: Token, operator: str, terms: list[Term]) -> Condition:
        dataset, name = self._split(token)
        return Condition(dataset, name, operator, tuple(terms), _column(token))

    def _split(self, token: Token) -> tuple[str, str]:
        dataset, _, name = token.partition(".")
        known = _canonical(dataset, DATASETS)
        if known not in DATASETS:
            raise _invalid(self._text, _column(token), f"{dataset!r} is no dataset; expected {_one_of(DATASETS)}")
        return known, name


def _term(token: Token) -> Term:
    text, column = str(token), _column(token)
    if token.type == "STAR" or text == '"*"':
        return Term("star", "*", column)
    if token.type == "STRING":
        return Term("string", text[1:-1], column)
    if token.type == "NUMBER":
        return Term("number", text, column)
    return Term("placeholder", text[1:], column)


# -- rules the grammar cannot say


def _check_rules(text: str, expressions: tuple[Expression, ...]) -> None:
    target = expressions[0].target
    for expression in expressions:
        first = expression.conditions[0]
        if expression.target != target:
            raise _invalid(text, first.column, f"expressions joined with | choose the same thing, here {target}")
        for condition in expression.conditions:
            if condition.dataset not in FILTERABLE[target]:
                reason = f"{target} is filtered by {_one_of(FILTERABLE[target])}, found {condition.dataset}"
                raise _invalid(text, condition.column, reason)
            if condition.dataset != first.dataset:
                reason = (
                    f"conditions joined with AND or OR test one dataset, here {first.dataset}; "
                    f"put {condition.dataset} in an expression of its own after |"
                )
                raise _invalid(text, condition.column, reason)
        for condition in (*expression.conditions, *expression.only_if):
            _check_condition(text, condition)


def _check_condition(text: str, condition: Condition) -> None:
    is_event = condition.dataset in HISTORY
    is_list = condition.operator in ("IN", "NOT IN")
    if is_event and (condition.name != "EVENT_TYPE" or not is_list):
        reason = f"{condition.dataset} can be tested by EVENT_TYPE IN or EVENT_TYPE NOT IN and nothing else"
        raise _invalid(text, condition.column, reason)
    for term in condition.terms:
        if len(term.text) > 50 and term.kind == "placeholder":
            raise _invalid(text, term.column, "a placeholder has at most 50 characters")
        if term.kind == "star" and not (is_event and condition.operator == "IN"):
            raise _invalid(text, term.column, "* stands for any event type and nothing else")
        if term.kind == "field" and condition.dataset != "Items":
            raise _invalid(text, term.column, "CurrentItem is compared with a field of Items")
        if is_list and term.kind == "number":
            raise _invalid(text, term.column, f"{condition.operator} takes strings in double quotes")
        is_user_equality = condition.dataset == "CurrentUser" and condition.operator in ("=", "!=")
        if not is_list and term.kind == "string" and not is_user_equality:
            raise _invalid(text, term.column, f"{condition.operator} compares numbers, use IN for strings")


def _unfilterable(schema: DatasetSchema, name: str) -> str | None:
    if name not in schema.names:
        return f"{name!r} is no field of the {schema.dataset_type} schema; expected {_one_of(schema.names)}"
    spec = schema.field(name)
    if spec.textual:
        return f"{name} is textual, and textual fields cannot be filtered on"
    if spec.type == "boolean":
        return f'{name} is boolean, and boolean fields cannot be filtered on; use a string "True" or "False"'
    return None


def _schema_of(dataset: str) -> str:
    return SCHEMA_OF.get(dataset, dataset.upper())


# -- evaluating


def _rows(expression: Expression, context: FilterContext, values: Mapping[str, str]) -> Mask | None:
    """The rows `expression` speaks of, None when it does not apply to this request."""
    missing = sorted(expression.parameters - values.keys())
    if missing and expression.verb == "INCLUDE":
        names = ", ".join(f"${name}" for name in missing)
        raise FilterError(f"Missing filter values for {names}. An INCLUDE filter needs a value for every placeholder.")
    if missing:
        return None
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
    if condition.dataset in HISTORY:
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
    return equal if condition.operator == "=" else catalogue.present(name) & ~equal


def _compare(column: NDArray[Any], condition: Condition) -> Mask:
    if not condition.terms:
        return np.zeros(len(column), dtype=np.bool_)
    number = _number(condition.terms[0].text, condition)
    if condition.operator == "!=":
        return np.asarray((column != number) & ~np.isnan(column))
    compare = {"=": np.equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
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


def _bind(condition: Condition, current_item: Mapping[str, Value], values: Mapping[str, str]) -> Condition:
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


def _given(term: Term, condition: Condition, raw: str) -> list[Term]:
    is_list = condition.operator == "IN"
    if _QUOTED_LIST.fullmatch(raw):
        terms = [Term("string", text) for text in re.findall(r'"([^"]*)"', raw)]
        if is_list or len(terms) == 1:
            return terms
    elif not is_list and '"' not in raw:
        return [Term("number", raw.strip())]
    expected = (
        'strings in double quotes joined with commas, such as "a","b", with no " inside' if is_list else "one value"
    )
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
        raise FilterError(f"Invalid filter value {text!r} for {condition.dataset}.{condition.name}. Expected a number.")
    return number


def _one_row(values: Mapping[str, Value]) -> Catalogue:
    return Catalogue({name: np.array([value], dtype=_dtype(value)) for name, value in values.items()}, 1)


def _dtype(value: Value) -> type:
    return object if value is None or isinstance(value, str) else float


# -- errors

_WORDS = {
    "FIELD": "a field such as Items.GENRES",
    "STRING": "a string in double quotes",
    "NUMBER": "a number",
    "PLACEHOLDER": "a $PLACEHOLDER",
    "STAR": "*",
    "TARGET": "ItemID, UserID or ActionID",
    "COMPARISON": "=, !=, <, <=, > or >=",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "VBAR": "|",
    "$END": "the end",
    "_NOT_IN": "NOT IN",
}


def _unexpected(text: str, error: UnexpectedInput) -> FilterError:
    allowed: set[str] = set()
    if isinstance(error, UnexpectedToken):
        allowed = error.accepts or error.expected
    elif isinstance(error, UnexpectedCharacters):
        allowed = error.allowed or set()
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    column = len(text) + 1 if at_end else (error.pos_in_stream or 0) + 1
    found = "the end" if at_end else repr(text[column - 1 :].split(maxsplit=1)[0][:30])
    words = sorted(_WORDS.get(name, name.strip("_")) for name in allowed)
    return _invalid(text, column, f"expected {_one_of(words)}, found {found}")


def _invalid(text: str, column: int, reason: str) -> FilterError:
    return FilterError(f"Could not create filter. Invalid Expression: {reason}.\n{point(text, column)}", column)


def _one_of(words: Iterable[str]) -> str:
    return ", ".join(words)


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _canonical(word: str, known: Iterable[str]) -> str:
    return next((name for name in known if name.lower() == word.lower()), word)
