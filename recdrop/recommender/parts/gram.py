"""Sufficient statistics of the next-item ridge.

For each step of a history the past window `p = sum_d exp(-(d-1)/tau) e(item d steps back)` predicts
the next window `n = sum_d exp(-d/tau_next) e(item d steps ahead)`. Then `G = sum p p'` and `C = sum
p n'`. Both depend on pairs of events through their lag alone (and on the end of the history), so
one pass per lag is enough: W passes, not W^2. They add up over users, so held-out users can be
added afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array

MOST_ROWS_IN_32_BITS = 46_340
ALL_LAGS = 16
EVENTS_PER_PASS = 2_000_000
DENSE_ROWS = 2048
# Measured on one core: what an addition costs in scipy's sparse product, and in BLAS.
SECONDS_PER_CELL = 1.2e-8
SECONDS_PER_DENSE_CELL = 2.5e-11


@dataclass(frozen=True)
class Window:
    """Decays in events; `past` and `next` are the lengths of the two windows."""

    tau: float
    past: int
    tau_next: float
    next: int


@dataclass(frozen=True)
class Grams:
    """float32[head, head]: past x past and past x next."""

    past: Array
    cross: Array

    def plus(self, other: Grams) -> Grams:
        return Grams(self.past + other.past, self.cross + other.cross)


def next_item_grams(history: Histories, head: Array, window: Window) -> Grams:
    """`head` is int32[items]: the row of each item in the matrices, or -1."""
    size = int(head.max()) + 1 if len(head) else 0
    past, cross = _Sum(size), _Sum(size)
    for block in history.blocks(EVENTS_PER_PASS):
        _add_block(block, head[block.item], window, past, cross)
    half = past.finish()
    # Only pairs in the order of time were counted; G is symmetric.
    return Grams(half + half.T, cross.finish())


def _add_block(history: Histories, column: Array, window: Window, past: _Sum, cross: _Sum) -> None:
    """All lags of a block of whole users, small enough that its pairs fit in memory."""
    end = np.repeat(history.indptr[1:], np.diff(history.indptr))
    for lag, stands_for in _lags(window.past + window.next):
        pairs = _pairs(history, column, end, lag, past.size)
        counted = pairs.counted()
        if lag < window.past:
            _add_past(past, pairs, counted, window, lag, stands_for)
        if lag > 0:
            cross.add(counted, stands_for * _cross_weight(window, lag))


def _lags(stop: int) -> list[tuple[int, int]]:
    """Each lag and how many it stands for.

    Far back, where neighbouring lags hardly differ, every third one stands for three.
    """
    far = [
        (lag, min(lag + 2, stop) - max(lag - 1, ALL_LAGS))
        for lag in range(ALL_LAGS + 1, stop + 1, 3)
    ]
    return [(lag, 1) for lag in range(min(ALL_LAGS, stop))] + [pair for pair in far if pair[1] > 0]


def _add_past(
    past: _Sum, pairs: _Pairs, counted: _Counted, window: Window, lag: int, stands_for: int
) -> None:
    """The full weight for all pairs, then what those near the end of their history have too much."""
    share = 0.5 if lag == 0 else float(stands_for)  # lag 0 is its own mirror
    # The table is by steps left in the history. Nearly all pairs have the whole window before them,
    # which is its last entry: it is added to all at once, and the few near the end are corrected.
    table = share * _past_weights(window, lag)
    past.add(counted, float(table[-1]))
    near = pairs.steps_left < len(table) - 1
    excess = table[pairs.steps_left[near]] - table[-1]
    past.add_each(
        pairs.cells[near], excess if pairs.weight is None else excess * pairs.weight[near]
    )


def use_gram(history: Histories, head: Array) -> Array:
    """X'X, float32[head, head], of the binary user x item matrix."""
    size = int(head.max()) + 1 if len(head) else 0
    uses = use_matrix(history, head, size)
    per_user = np.diff(uses.indptr).astype(np.float64)
    # The sparse product adds each user's pairs; the dense one multiplies everything, but faster.
    sparse_seconds = float((per_user**2).sum()) * SECONDS_PER_CELL
    dense_seconds = uses.shape[0] * float(size) ** 2 * SECONDS_PER_DENSE_CELL
    if sparse_seconds < dense_seconds:
        found: Array = (uses.T @ uses).toarray().astype(np.float32)
        return found
    total = np.zeros((size, size), dtype=np.float32)
    for start in range(0, uses.shape[0], DENSE_ROWS):
        block = uses[start : start + DENSE_ROWS].toarray()
        total += block.T @ block
    return total


def use_matrix(history: Histories, head: Array, size: int) -> sparse.csr_matrix:
    """Binary float32 CSR [users, head]."""
    column = head[history.item]
    keep = column >= 0
    rows = history.user_of_event()[keep]
    matrix = sparse.csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (rows, column[keep])), shape=(history.users, size)
    )
    matrix.data[:] = 1.0
    return matrix


@dataclass(frozen=True)
class _Counted:
    """Distinct cells, ascending, and the sum of the weights of their pairs."""

    cells: Array
    sums: Array


@dataclass(frozen=True)
class _Pairs:
    """Pairs of head events of one history, one lag apart.

    `cells` are their cells in the matrix, row by row; `weight` is None when every event weighs 1;
    `steps_left` is how many events of the history come after the pair.
    """

    cells: Array
    weight: Array | None
    steps_left: Array

    def counted(self) -> _Counted:
        """Sorted first: random writes into a large matrix are what costs."""
        if self.weight is not None:
            cells, place = np.unique(self.cells, return_inverse=True)
            return _Counted(cells, np.bincount(place, self.weight, minlength=len(cells)))
        # Without weights, equal cells only have to be counted: a sort is cheaper than np.unique with
        # its inverse.
        ordered = np.sort(self.cells)
        starts = (
            np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
            if len(ordered)
            else np.zeros(0, dtype=int)
        )
        return _Counted(ordered[starts], np.diff(np.append(starts, len(ordered))))


def _pairs(history: Histories, column: Array, end: Array, lag: int, size: int) -> _Pairs:
    """`column` is the row of each event's item in the head, `end` where its history ends."""
    last = max(0, len(column) - lag)
    inside = (
        (np.arange(lag, lag + last) < end[:last])
        & (column[:last] >= 0)
        & (column[lag : lag + last] >= 0)
    )
    first = np.flatnonzero(inside)
    second = first + lag
    weight = None if history.is_unweighted else history.weight[first] * history.weight[second]
    # Cells of up to 46,340 rows fit in 32 bits, and those sort faster.
    kind = np.int32 if size < MOST_ROWS_IN_32_BITS else np.int64
    cells = np.multiply(column[first], size, dtype=kind) + column[second].astype(kind)
    return _Pairs(cells, weight, end[first] - second - 1)


def _past_weights(window: Window, lag: int) -> Array:
    """float64[past - lag + 1]: what a pair adds to G, by how many steps it is in the past window.

    A step k after the pair sees its events k + 1 and k + 1 + lag back. Their weights multiply to
    exp(-(2k + lag) / tau); the sum over the steps is a geometric series.
    """
    ratio = np.exp(-2.0 / window.tau)
    steps = np.arange(window.past - lag + 1)
    found: Array = np.exp(-lag / window.tau) * (1 - ratio**steps) / (1 - ratio)
    return found


def _cross_weight(window: Window, lag: int) -> float:
    """What a pair adds to C: the sum over all steps between its events, seen from both windows."""
    # The step stands anywhere between the two events: as far back as one window reaches, as far
    # ahead as the other.
    steps_back = np.arange(max(1, lag - window.next + 1), min(window.past, lag) + 1)
    weights = np.exp(-(steps_back - 1) / window.tau) * np.exp(-(lag - steps_back) / window.tau_next)
    return float(weights.sum())


class _Sum:
    """Adds to the cells of a square matrix, float32[size, size]."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._total = np.zeros(size * size, dtype=np.float32)

    def add(self, counted: _Counted, share: float) -> None:
        """Sums of distinct cells, so that plain indexing adds."""
        self._total[counted.cells] += (counted.sums * share).astype(np.float32)

    def add_each(self, cells: Array, weights: Array) -> None:
        """Single pairs, whose cells may repeat."""
        np.add.at(self._total, cells, weights.astype(np.float32))

    def finish(self) -> Array:
        return self._total.reshape(self.size, self.size)
