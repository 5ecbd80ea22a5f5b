"""Sufficient statistics of the next-item ridge. They add up over users, so held-out users can be added afterwards.

For each step of a history the past window `p = sum_d exp(-(d-1)/tau) e(item d steps back)` predicts the next window
`n = sum_d exp(-d/tau_next) e(item d steps ahead)`. Then `G = sum p p'` and `C = sum p n'`. Both depend on pairs of
events through their lag alone (and on the end of the history), so one pass per lag is enough: W passes, not W^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommender.data import Array
from recommender.histories import Histories

PAIRS_PER_PASS = 8_000_000
DENSE_ROWS = 2048


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
    column = head[history.item]
    end = np.repeat(history.indptr[1:], np.diff(history.indptr))
    for lag in range(window.past + window.next):
        first, second = _pairs(column, end, lag)
        weight = history.weight[first] * history.weight[second]
        if lag < window.past:
            share = np.float32(0.5 if lag == 0 else 1.0)  # mirrored below, and lag 0 is its own mirror
            past.add(column[first], column[second], share * weight * _past_weights(window, lag, end[first] - second - 1))
        if lag > 0:
            cross.add(column[first], column[second], weight * np.float32(_cross_weight(window, lag)))
    half = past.finish()
    return Grams(half + half.T, cross.finish())


def use_gram(history: Histories, head: Array) -> Array:
    """X'X, float32[head, head], of the binary user x item matrix."""
    size = int(head.max()) + 1 if len(head) else 0
    uses = use_matrix(history, head, size)
    per_user = np.diff(uses.indptr).astype(np.float64)
    if float((per_user**2).sum()) * 5e-9 < uses.shape[0] * float(size) ** 2 / 5e10:
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


def _pairs(column: Array, end: Array, lag: int) -> tuple[Array, Array]:
    """Positions of two events of one history, `lag` apart, both of head items."""
    last = len(column) - lag
    if last <= 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    positions = np.arange(last)
    inside = (positions + lag < end[:last]) & (column[:last] >= 0) & (column[lag:] >= 0)
    first = np.flatnonzero(inside)
    return first, first + lag


def _past_weights(window: Window, lag: int, steps_left: Array) -> Array:
    """Sum over the steps in whose past window both events are; `steps_left` is the number of events after the second."""
    steps = np.minimum(window.past - lag, steps_left)
    ratio = np.exp(-2.0 / window.tau)
    table = np.exp(-lag / window.tau) * (1 - ratio ** np.arange(window.past + 1)) / (1 - ratio)
    found: Array = table.astype(np.float32)[steps]
    return found


def _cross_weight(window: Window, lag: int) -> float:
    steps_back = np.arange(max(1, lag - window.next + 1), min(window.past, lag) + 1)
    weights = np.exp(-(steps_back - 1) / window.tau) * np.exp(-(lag - steps_back) / window.tau_next)
    return float(weights.sum())


class _Sum:
    """Adds weighted cells to a square matrix, many at a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._total = np.zeros(size * size, dtype=np.float64)
        self._keys: list[Array] = []
        self._weights: list[Array] = []
        self._waiting = 0

    def add(self, row: Array, column: Array, weight: Array) -> None:
        self._keys.append(row.astype(np.int64) * self._size + column)
        self._weights.append(weight)
        self._waiting += len(row)
        if self._waiting > PAIRS_PER_PASS:
            self._flush()

    def finish(self) -> Array:
        self._flush()
        return self._total.astype(np.float32).reshape(self._size, self._size)

    def _flush(self) -> None:
        if self._waiting:
            keys, weights = np.concatenate(self._keys), np.concatenate(self._weights)
            self._total += np.bincount(keys, weights, minlength=len(self._total))
        self._keys, self._weights, self._waiting = [], [], 0
