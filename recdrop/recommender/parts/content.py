"""What items are like, from their metadata.

Categories, numbers in bands and words become one sparse matrix of features.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recdrop.recommender.data.records import MULTI_VALUE_SEPARATOR, Array, Column
from recdrop.recommender.data.rows import Rows

CREATION = "CREATION_TIMESTAMP"
# Bands of about equally many items: prices and years are not spread evenly.
BANDS = 8
MOST_WORDS = 30_000
LEAST_ITEMS = 2
MOST_FEATURES_PER_TEXT = 60
WORD = re.compile(r"\w\w+", re.UNICODE)


@dataclass(frozen=True)
class Content:
    """`features` rows of [items, columns], each row of length 1 (0 without metadata)."""

    features: Rows
    columns: int

    def profile(self, item: Array, weight: Array) -> Array:
        """float32[columns]: the weighted sum of the items' features."""
        return self.features.weighted_sum(item.astype(np.int64), weight, self.columns)

    def likeness(self, profile: Array) -> Array:
        """float32[items]: the inner product of every item's features with the profile."""
        found: Array = self.features.matrix(self.columns) @ profile
        return found.astype(np.float32)


def describe(columns: Mapping[str, Column], items: int) -> Content | None:
    """The features of all items, or None without metadata.

    The creation time says nothing of taste and is left out.
    """
    parts = [
        _matrix(column, items)
        for name, column in sorted(columns.items())
        if name.upper() != CREATION
    ]
    parts = [part for part in parts if part.shape[1]]
    if not parts:
        return None
    joined = sparse.csr_matrix(sparse.hstack(parts), dtype=np.float32)
    return Content(Rows.of(_unit(joined)), joined.shape[1])


def _matrix(column: Column, items: int) -> sparse.csr_matrix:
    """CSR [items, tokens] of one column: each row of one length, so that no column outweighs another."""
    if column.kind == "number":
        counted = _count(_bands(column.values.astype(np.float64)), np.arange(items))
    else:
        read = _words if column.kind == "text" else _categories
        values, place = _distinct(column.values)
        counted = _count((read(value) for value in values), place)
    return sparse.csr_matrix(_unit(_by_rarity(counted)) * _trust(column))


def _distinct(values: Array) -> tuple[list[object], Array]:
    """The different values in order of appearance, and where each item's one stands.

    So each value is read once.
    """
    seen: dict[object, int] = {}
    place = np.fromiter(
        (seen.setdefault(value, len(seen)) for value in values.tolist()),
        dtype=np.int64,
        count=len(values),
    )
    return list(seen), place


def _trust(column: Column) -> float:
    """Numbers say less than names do."""
    return 0.5 if column.kind == "number" else 1.0


def _categories(value: object) -> list[str]:
    return (
        []
        if value is None
        else [part.strip() for part in str(value).split(MULTI_VALUE_SEPARATOR) if part.strip()]
    )


def _words(value: object) -> list[str]:
    return [] if value is None else WORD.findall(str(value).lower())[:MOST_FEATURES_PER_TEXT]


def _bands(values: Array) -> Iterator[list[str]]:
    """The band of each number and its upper neighbour, so that numbers at an edge still meet."""
    present = values[~np.isnan(values)]
    if not len(present):
        return iter([[] for _ in values])
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BANDS + 1)[1:-1]))
    places = np.searchsorted(edges, values, side="right")
    empty = np.isnan(values)
    return (
        [] if missing else [str(at), str(at + 1)] for at, missing in zip(places, empty, strict=True)
    )


def _count(tokens: Iterable[list[str]], place: Array) -> sparse.csr_matrix:
    """CSR [items, tokens]: which tokens each item has.

    `tokens` are those of each different value, `place[item]` says which value an item has. Kept are
    tokens of at least two items, for one alone makes nothing alike; of too many the most frequent.
    """
    codes: dict[str, int] = {}
    rows, columns = [], []
    for row, found in enumerate(tokens):
        for token in dict.fromkeys(found):  # a set would order them by the hashes of this process
            rows.append(row)
            columns.append(codes.setdefault(token, len(codes)))
    cells = (
        np.ones(len(rows), dtype=np.float32),
        (np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)),
    )
    values = int(place.max()) + 1 if len(place) else 0
    counted = sparse.csr_matrix(cells, shape=(values, len(codes)))[place]
    # Columns by name, not by appearance: equal metadata in another order is the same matrix.
    named = np.array(sorted(codes), dtype=object)
    ordered = counted[:, [codes[token] for token in named]] if len(named) else counted
    spread = np.bincount(ordered.indices, minlength=ordered.shape[1])
    kept = np.lexsort((np.arange(len(spread)), -spread))[:MOST_WORDS]
    kept = np.sort(kept[spread[kept] >= LEAST_ITEMS])
    return sparse.csr_matrix(ordered[:, kept])


def _by_rarity(counted: sparse.csr_matrix) -> sparse.csr_matrix:
    """Weighs each token by the log of how rare it is: a genre of half the catalogue says little."""
    spread = np.bincount(counted.indices, minlength=counted.shape[1])
    return counted @ sparse.diags(
        np.log1p(counted.shape[0] / np.maximum(spread, 1)).astype(np.float32)
    )


def _unit(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows of length 1, so that inner products are cosines; empty rows stay empty."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(
        sparse.diags(1 / np.where(lengths > 0, lengths, 1)) @ matrix, dtype=np.float32
    )


def nearest(
    content: Content, *, keep: int, targets: Array, rows_at_once: int = 512
) -> sparse.csr_matrix:
    """CSR [items, items]: for every item its `keep` most alike among the `targets`, never itself.

    `targets` are codes. Memory is bounded by blocks of rows.
    """
    features = content.features.matrix(content.columns)
    items = features.shape[0]
    pool = sparse.csr_matrix(features[targets].T)
    found = [
        _nearest_block(features, pool, targets, start, min(items, start + rows_at_once), keep)
        for start in range(0, items, rows_at_once)
    ]
    row, column, value = (np.concatenate(part) for part in zip(*found, strict=True))
    return sparse.csr_matrix((value, (row, column)), shape=(items, items), dtype=np.float32)


def _nearest_block(
    features: sparse.csr_matrix,
    pool: sparse.csr_matrix,
    targets: Array,
    start: int,
    stop: int,
    keep: int,
) -> tuple[Array, Array, Array]:
    alike = (features[start:stop] @ pool).toarray()
    alike[targets[None, :] == np.arange(start, stop)[:, None]] = 0
    width = min(keep, alike.shape[1])
    best = np.sort(np.argpartition(-alike, width - 1, axis=1)[:, :width], axis=1)
    value = np.take_along_axis(alike, best, axis=1)
    row = np.repeat(np.arange(start, stop), width)
    positive = value.ravel() > 0
    return row[positive], targets[best].ravel()[positive], value.ravel()[positive]
