"""Metadata tables in memory: rows by id for answers, columns aligned with a model for filters."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recdrop.personalize.data.schemas import DatasetSchema, Field
from recdrop.personalize.data.tables import ID_OF, Columns, Tables, quote, read_record
from recdrop.personalize.filters.masks import Catalogue

Value = str | float | None


@dataclass(frozen=True)
class Rows:
    """A table sorted by id; booleans come as "true" and "false".

    `whole` are the columns of whole numbers, which are floats here since they may be missing.
    """

    ids: Sequence[str]
    columns: Columns
    whole: frozenset[str] = frozenset()

    def position(self, identifier: str) -> int | None:
        """The place of an id; None when it is not in the table."""
        place = bisect_left(self.ids, identifier)
        return place if place < len(self.ids) and self.ids[place] == identifier else None

    def row(self, identifier: str) -> dict[str, Value] | None:
        """The values of one id by column; None when it is not in the table."""
        place = self.position(identifier)
        if place is None:
            return None
        return {name: _value(values[place]) for name, values in self.columns.items()}

    def texts(self, identifier: str, names: Sequence[str]) -> dict[str, str]:
        """Values as the runtime shows metadata: all of them text, missing ones left out."""
        row = self.row(identifier) or {}
        found = {name: row.get(name) for name in names}
        return {name: self._text(name, value) for name, value in found.items() if value is not None}

    def catalogue(self, ids: NDArray[Any]) -> Catalogue:
        """The columns in the order of `ids`; an id that is not in the table has no values."""
        size = len(self.ids)
        if size == 0:
            return Catalogue({}, len(ids))
        # Bisection for all ids at once; the minimum keeps those behind the last id inside the table.
        known = np.asarray(self.ids, dtype=object)
        places = np.minimum(np.searchsorted(known, np.asarray(ids, dtype=object)), size - 1)
        found = known[places] == np.asarray(ids, dtype=object)
        aligned = {}
        for name, values in self.columns.items():
            column = values[places] if values.dtype == object else values[places].astype(np.float64)
            column[~found] = None if values.dtype == object else np.nan
            aligned[name] = column
        return Catalogue(aligned, len(ids))

    def _text(self, name: str, value: Value) -> str:
        return str(int(value)) if name in self.whole and isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Layered:
    """A table as imported, and over it the few rows that were streamed since."""

    base: Rows
    newer: Rows

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.base.columns) | frozenset(self.newer.columns)

    def row(self, identifier: str) -> dict[str, Value] | None:
        return self.newer.row(identifier) or self.base.row(identifier)

    def texts(self, identifier: str, names: Sequence[str]) -> dict[str, str]:
        holder = self.base if self.newer.position(identifier) is None else self.newer
        return holder.texts(identifier, names)


NO_ROWS = Rows((), {})


def read_rows(tables: Tables, kind: str) -> Rows:
    """All rows of ITEMS, USERS or ACTIONS.

    Raises:
        ValueError: another kind of dataset, whose rows have no id.
    """
    if kind not in ID_OF:
        raise ValueError(
            f"Dataset type {kind!r} has no rows by id. Expected one of: {', '.join(ID_OF)}"
        )
    if not tables.has(kind):
        return NO_ROWS
    tables.create(kind)
    fields = [field for field in tables.schemas[kind].fields if field.name != ID_OF[kind]]
    selected = ", ".join([f"{ID_OF[kind]} AS _id", *map(_selected, fields)])
    columns = tables.columns(f"SELECT {selected} FROM {kind} ORDER BY _id")
    ids = columns.pop("_id")
    return Rows(ids.tolist(), columns, _whole(fields))


def rows_of_records(schema: DatasetSchema, records: Iterable[tuple[str, str | None]]) -> Rows:
    """The table that streamed records (id, properties) make, the last of each id."""
    id_column = ID_OF[schema.dataset_type]
    by_id = {
        record_id: read_record(schema, record_id, properties) for record_id, properties in records
    }
    ids = sorted(by_id)
    fields = [field for field in schema.fields if field.name != id_column]
    columns = {
        field.name: _array([by_id[identifier][field.name] for identifier in ids], field)
        for field in fields
    }
    return Rows(ids, columns, _whole(fields))


def user_events(found: Mapping[str, Sequence[str]], index_of: Any) -> dict[str, NDArray[Any]]:
    """Item ids by event type as the catalogue rows that filters ask for."""
    rows = {kind: [index_of(item) for item in items] for kind, items in found.items()}
    return {
        kind: np.array([row for row in places if row is not None], dtype=np.int64)
        for kind, places in rows.items()
    }


def _selected(field: Field) -> str:
    name = quote(field.name)
    return f"{name}::VARCHAR AS {name}" if field.type == "boolean" else name


def _whole(fields: Iterable[Field]) -> frozenset[str]:
    return frozenset(field.name for field in fields if field.type in ("int", "long"))


def _array(values: Sequence[Any], field: Field) -> NDArray[Any]:
    if field.is_number:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    texts = [str(value).lower() if isinstance(value, bool) else value for value in values]
    return np.array([*texts, None], dtype=object)[:-1]


def _value(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    number = float(value)
    return number if np.isfinite(number) else None
