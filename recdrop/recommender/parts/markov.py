"""Sparse windowed transitions over the whole catalogue: what follows an item within a few events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.ranking import largest

EVENTS_PER_PASS = 4_000_000
MOST_CELLS = 40_000_000
CELLS_PER_CROWDED_ROW = 800
# Counts, lengths of histories, what follows an item, and the use of the follower, as powers.
COUNT_POWER = 0.75
LENGTH_POWER = 0.125
FOLLOWED_POWER = 0.5
FOLLOWED_PRIOR = 5.0
TARGET_POWER = 0.1


def transitions(
    history: Histories, items: int, *, window: int, tau: float, keep: int = 200
) -> sparse.csr_matrix:
    """float32 CSR [items, items]: decayed counts of "j within `window` after i", damped.

    An item that is followed by much says less of each follower than one that few follow. The powers
    were measured (docs/research.md). Each row keeps its `keep` largest.
    """
    # Long histories are damped a little: who used everything says less of what goes together.
    length = np.repeat(np.diff(history.indptr), np.diff(history.indptr)).astype(np.float32)
    damped = replace(history, weight=history.weight * length**-LENGTH_POWER)
    total = co_occurrences(damped, items, window=window, tau=tau)
    total.data **= np.float32(COUNT_POWER)
    uses = np.maximum(np.bincount(history.item, weights=history.weight, minlength=items), 1.0)
    followed = np.asarray(total.sum(axis=1)).ravel() + FOLLOWED_PRIOR
    scaled = sparse.diags(followed**-FOLLOWED_POWER) @ total @ sparse.diags(uses**-TARGET_POWER)
    return largest_per_row(sparse.csr_matrix(scaled, dtype=np.float32), keep)


def co_occurrences(history: Histories, items: int, *, window: int, tau: float) -> sparse.csr_matrix:
    """float32 CSR [items, items] over pairs "j up to `window` events after i".

    Each pair adds exp(-(lag - 1) / tau), times both weights.
    """
    total = sparse.csr_matrix((items, items), dtype=np.float32)
    for block in history.blocks(max(1, EVENTS_PER_PASS // window)):
        total = total + _counts(block, items, window, tau)
        # Memory must not grow with the events: of crowded rows only the largest are carried on.
        if total.nnz > MOST_CELLS:
            total = largest_per_row(total, CELLS_PER_CROWDED_ROW)
    return total


def _counts(history: Histories, items: int, window: int, tau: float) -> sparse.csr_matrix:
    item, weight, user = history.item, history.weight, history.user_of_event()
    rows, columns, values = [], [], []
    for lag in range(1, min(window, len(item) - 1) + 1):
        first = np.flatnonzero(user[:-lag] == user[lag:])
        rows.append(item[first])
        columns.append(item[first + lag])
        values.append(weight[first] * weight[first + lag] * np.float32(np.exp(-(lag - 1) / tau)))
    if not rows:
        return sparse.csr_matrix((items, items), dtype=np.float32)
    cells = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    found = sparse.coo_matrix(cells, shape=(items, items), dtype=np.float32).tocsr()
    found.sum_duplicates()
    return found


def largest_per_row(matrix: sparse.csr_matrix, keep: int) -> sparse.csr_matrix:
    """Only the `keep` largest of each row; equal values keep the lower column."""
    lengths = np.diff(matrix.indptr)
    matrix.sort_indices()
    if not len(lengths) or int(lengths.max()) <= keep:
        return matrix
    kept = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(lengths > keep).tolist():
        span = slice(int(matrix.indptr[row]), int(matrix.indptr[row + 1]))
        kept[span] = False
        kept[span.start + largest(matrix.data[span], keep)] = True
    return sparse.csr_matrix(
        (matrix.data[kept], matrix.indices[kept], _starts(matrix, kept)), shape=matrix.shape
    )


def _starts(matrix: sparse.csr_matrix, kept: Array) -> Array:
    """Row starts after the cells that are not `kept` have gone."""
    before = np.concatenate([[0], np.cumsum(kept)])
    found: Array = before[matrix.indptr]
    return found
