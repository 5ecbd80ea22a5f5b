"""How much likelier an item is under a context or for a kind of user.

Shrunken log ratios per value of a column: their sum is the log of a factor on the scores.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recdrop.recommender.data.records import MULTI_VALUE_SEPARATOR, Array, Column

# The most frequent values of a column, or bands of a number; a prior in events.
MOST_VALUES = 32
BANDS = 6
PRIOR = 20.0


@dataclass(frozen=True)
class Lifts:
    """A row of logs for each value of each column.

    `table` is float32[rows, items]; `columns` says for each column which value has which row, or the
    edges of its bands.
    """

    columns: Mapping[str, Mapping[str, Any]]
    table: Array

    def of(self, values: Mapping[str, str]) -> Array | None:
        """float32[items]: the sum over the values that are known here, or None when none is."""
        rows = [row for name, value in values.items() for row in self.rows(name, value)]
        if not rows:
            return None
        found: Array = self.table[rows].sum(axis=0)
        return found

    def rows(self, name: str, value: object) -> list[int]:
        """The rows of a value; of several values joined with "|" one each."""
        column = self.columns.get(name)
        if column is None or value is None:
            return []
        if "edges" in column:
            return _band_rows(column, value)
        places = column["values"]
        return [places[part] for part in _parts(value) if part in places]

    def arrays(self, prefix: str) -> dict[str, Array]:
        # The description is JSON in bytes, so that a model file holds arrays of numbers only.
        described = json.dumps(self.columns, sort_keys=True).encode()
        return {
            f"{prefix}_table": self.table,
            f"{prefix}_columns": np.frombuffer(described, dtype=np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], prefix: str) -> Lifts:
        described = json.loads(arrays[f"{prefix}_columns"].tobytes())
        return cls(described, arrays[f"{prefix}_table"])


def learn_lifts(
    columns: Mapping[str, Column], rows: Array, item: Array, weight: Array, items: int
) -> Lifts:
    """Counts which items are used under which value.

    `rows` are the rows of the columns' table that belong to the events of `item` (codes) and
    `weight`. Text is left out: hardly two events share one.
    """
    described: dict[str, dict[str, Any]] = {}
    tables: list[Array] = []
    for name, column in sorted(columns.items()):
        if column.kind == "text":
            continue
        described[name] = _describe(column, rows, sum(len(table) for table in tables))
        one = Lifts({name: described[name]}, np.zeros((0, items)))
        tables.append(_table(one, name, column, rows, item, weight, items))
    table = np.concatenate(tables) if tables else np.zeros((0, items), dtype=np.float32)
    return Lifts(described, table.astype(np.float32))


def row_values(columns: Mapping[str, Column], row: int) -> dict[str, str]:
    """The values of one row that are there, as text."""
    found = {name: column.values[row] for name, column in columns.items()}
    return {
        name: str(value) for name, value in found.items() if value is not None and value == value
    }


def case_lifts(lifts: Lifts, questions: Sequence[Mapping[str, str]], items: Array) -> Array:
    """float32[questions, items]: for the item codes given."""
    found = np.zeros((len(questions), len(items)), dtype=np.float32)
    for place, values in enumerate(questions):
        one = lifts.of(values)
        if one is not None:
            found[place] = one[items]
    return found


def _describe(column: Column, rows: Array, first: int) -> dict[str, Any]:
    """Which rows of the table a column gets: one per band of a number, or per frequent value."""
    if column.kind == "number":
        values = column.values.astype(np.float64)[rows]
        present = values[~np.isnan(values)]
        edges = (
            np.unique(np.quantile(present, np.linspace(0, 1, BANDS + 1)[1:-1]))
            if len(present)
            else np.zeros(0)
        )
        return {"edges": edges.tolist(), "first": first}
    counts: dict[str, int] = {}
    for value in column.values[rows]:
        for part in _parts(value):
            counts[part] = counts.get(part, 0) + 1
    chosen = sorted(sorted(counts, key=lambda part: (-counts[part], part))[:MOST_VALUES])
    return {"values": {part: first + place for place, part in enumerate(chosen)}}


def _table(
    described: Lifts, name: str, column: Column, rows: Array, item: Array, weight: Array, items: int
) -> Array:
    """float64[values, items]: the log of the uses under each value over those expected."""
    size = _size(described.columns[name])
    first = _first(described.columns[name])
    cell_row, cell_event = _cells(described, name, column, rows)
    counts = np.zeros((size, items))
    np.add.at(counts, (cell_row - first, item[cell_event]), weight[cell_event])
    total = np.bincount(item, weight, minlength=items)
    share = counts.sum(axis=1, keepdims=True) / max(float(weight.sum()), 1e-9)
    # Expected is the item's uses times the share of the value. PRIOR uses in that same share pull
    # the ratio of rare items towards 1, and their log to 0.
    found: Array = np.log(
        (counts + PRIOR * share + 1e-9) / (total[None, :] * share + PRIOR * share + 1e-9)
    )
    return found


def _cells(described: Lifts, name: str, column: Column, rows: Array) -> tuple[Array, Array]:
    """Pairs (table row, event). Distinct values are looked up once."""
    values = column.values[rows]
    texts = [None if value is None or value != value else str(value) for value in values]
    places = {text: described.rows(name, text) for text in set(texts)}
    pairs = [(row, event) for event, text in enumerate(texts) for row in places[text]]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _size(column: Mapping[str, Any]) -> int:
    return len(column["edges"]) + 1 if "edges" in column else len(column["values"])


def _first(column: Mapping[str, Any]) -> int:
    return int(column["first"]) if "edges" in column else min(column["values"].values(), default=0)


def _band_rows(column: Mapping[str, Any], value: object) -> list[int]:
    try:
        number = float(str(value))
    except ValueError:
        return []
    # NaN is in no band.
    if number != number:
        return []
    return [int(column["first"]) + int(np.searchsorted(column["edges"], number, side="right"))]


def _parts(value: object) -> list[str]:
    return (
        [] if value is None else [part for part in str(value).split(MULTI_VALUE_SEPARATOR) if part]
    )
