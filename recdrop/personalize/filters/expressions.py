"""Filter expressions: parsed once, checked against the schemas, evaluated as one mask.

    parse('EXCLUDE ItemID WHERE Items.GENRES IN ($GENRE)').mask(context, {"GENRE": '"Comedy"'})

Where the service's documents are silent this module decides, and says so here:

* AND mixed with OR has no documented precedence: refused, unless `strict=False` (then AND binds
  first).
* Keywords, `ItemID`, dataset names and EVENT_TYPE are read in any case; field names, values and
  placeholders exactly; event types in any case.
* A missing value satisfies NOT IN and nothing else.
* An expression whose IF does not hold is left out; when that leaves no INCLUDE, everything is
  allowed.
* `Interactions.EVENT_TYPE NOT IN (...)` means: some interaction of another type.

Not here: where the values come from (runtime.py) and quotas over several filters (lifecycles).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from recdrop.personalize.data.schemas import DatasetSchema
from recdrop.personalize.filters.grammar import read
from recdrop.personalize.filters.masks import FilterContext, Mask, rows_of
from recdrop.personalize.filters.terms import Condition, Expression, FilterError, invalid, one_of

MAX_EXPRESSION = 2_500
MAX_FIELDS = 10
SCHEMA_OF = {"CurrentUser": "USERS", "CurrentItem": "ITEMS"}


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
        """(dataset type, field) of every field read, such as ("ITEMS", "GENRES").

        The service counts them.
        """
        return frozenset(named[:2] for named in self._named_fields())

    def reads(self, dataset_type: str) -> bool:
        return any(dataset == dataset_type for dataset, _ in self.fields)

    @property
    def needs_current_item(self) -> bool:
        return any(
            term.kind == "field" for condition in self._conditions() for term in condition.terms
        )

    def check(self, schemas: Mapping[str, DatasetSchema]) -> None:
        """Checks every field against `schemas`, by dataset type.

        Raises:
            FilterError: a field does not exist, or cannot be filtered on.
        """
        for dataset, name, column in self._named_fields():
            if dataset not in schemas:
                raise invalid(
                    self.text, column, f"the dataset group has no {dataset} dataset with a schema"
                )
            problem = _unfilterable(schemas[dataset], name)
            if problem:
                raise invalid(self.text, column, problem)
        for condition in self._conditions():
            self._check_type(condition, schemas)

    def mask(self, context: FilterContext, values: Mapping[str, str] | None = None) -> Mask:
        """bool[catalogue.size], True where the filter lets the row through.

        `values` are the request's filterValues: {"GENRE": '"Comedy","Drama"', "YEAR": "1999"}.

        Raises:
            FilterError: a value is missing (INCLUDE), misshapen or not asked for.
        """
        values = values or {}
        unknown = sorted(values.keys() - self.parameters)
        if unknown:
            expected = ", ".join(sorted(self.parameters)) or "none"
            raise FilterError(
                f"Invalid filter parameter {unknown[0]!r}. Parameters of this filter: {expected}."
            )
        context = replace(context, is_segment=self.target == "UserID")
        included: list[Mask] = []
        excluded: list[Mask] = []
        for expression in self.expressions:
            rows = rows_of(expression, context, values)
            if rows is not None:
                (included if expression.verb == "INCLUDE" else excluded).append(rows)
        allowed = np.ones(context.catalogue.size, dtype=np.bool_)
        if included:
            allowed = np.logical_or.reduce(included)
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
            raise invalid(
                self.text, condition.column, f"{where}: IN compares strings, use =, <, <=, > or >="
            )
        is_user_equality = condition.dataset == "CurrentUser" and condition.operator in ("=", "!=")
        if not is_list and spec.type == "string" and not is_user_equality:
            raise invalid(
                self.text,
                condition.column,
                f"{where}: {condition.operator} compares numbers, use IN",
            )
        for term in condition.terms:
            if term.kind != "field":
                continue
            other = schemas["ITEMS"].field(term.text.partition(".")[2])
            if (other.type == "string") != (spec.type == "string"):
                raise invalid(
                    self.text, term.column, f"{where}, but {term.text} has type {other.type}"
                )


@lru_cache(maxsize=1024)
def parse(expression: str, *, strict: bool = True) -> Filter:
    """Reads an expression; `strict` refuses AND mixed with OR.

    Raises:
        FilterError: it is none; the text has a caret under the column.
    """
    if not 0 < len(expression) <= MAX_EXPRESSION:
        raise FilterError(
            f"Could not create filter. Invalid Expression: it has {len(expression)} characters. "
            f"Expected 1 to {MAX_EXPRESSION}."
        )
    parsed = Filter(expression, read(expression, strict=strict))
    if len(parsed.fields) > MAX_FIELDS:
        raise FilterError(
            f"Could not create filter. Invalid Expression: it uses {len(parsed.fields)} distinct "
            f"fields. Expected at most {MAX_FIELDS}."
        )
    return parsed


def _unfilterable(schema: DatasetSchema, name: str) -> str | None:
    if name not in schema.names:
        return f"{name!r} is no field of the {schema.dataset_type} schema; expected {one_of(schema.names)}"
    spec = schema.field(name)
    if spec.textual:
        return f"{name} is textual, and textual fields cannot be filtered on"
    if spec.type == "boolean":
        return f'{name} is boolean, and boolean fields cannot be filtered on; use a string "True" or "False"'
    return None


def _schema_of(dataset: str) -> str:
    return SCHEMA_OF.get(dataset, dataset.upper())
