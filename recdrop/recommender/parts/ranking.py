"""Exact top-n with ties by position."""

from __future__ import annotations

import numpy as np

from recdrop.recommender.data.records import Array

BLOCK = 64


def top(scores: Array, n: int, allowed: Array | None = None) -> Array:
    """Positions of the `n` largest scores among `allowed` (bool), best first.

    Equal scores keep the lower position.
    """
    if allowed is not None:
        candidates = np.flatnonzero(allowed)
        found: Array = candidates[top(scores[candidates], n)]
        return found
    if not 0 < n < len(scores) // BLOCK:
        return _sorted(scores, largest(scores, n))
    # Two stages: which blocks can hold one of the best, and then only those.
    best = largest(_block_maxima(scores[None, :])[0], n)
    near = _columns(best[None, :], len(scores))[0]
    return _sorted(scores, near[largest(scores[near], n)])


def _sorted(scores: Array, positions: Array) -> Array:
    """Best first; `positions` are ascending."""
    found: Array = positions[np.argsort(-scores[positions], kind="stable")]
    return found


def top_each(scores: Array, n: int) -> Array:
    """int64[rows, n]: the same for every row of a matrix of at least `n` columns."""
    candidates = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    if n < scores.shape[1] // BLOCK:
        best = np.argsort(-_block_maxima(scores), axis=1, kind="stable")[:, :n]
        candidates = _columns(np.sort(best, axis=1), scores.shape[1])
    order = np.argsort(-np.take_along_axis(scores, candidates, axis=1), axis=1, kind="stable")[
        :, :n
    ]
    return np.take_along_axis(candidates, order, axis=1)


def largest(values: Array, n: int) -> Array:
    """Positions, ascending, of the `n` largest; of equal ones the first."""
    if n >= len(values):
        return np.arange(len(values))
    if n <= 0:
        return np.zeros(0, dtype=np.int64)
    # The n-th largest value: all above it are in, and of those equal to it the first few.
    limit = np.partition(values, len(values) - n)[len(values) - n]
    above = np.flatnonzero(values > limit)
    level = np.flatnonzero(values == limit)[: n - len(above)]
    return np.sort(np.concatenate([above, level]))


def _block_maxima(scores: Array) -> Array:
    """[rows, blocks]: the largest score of each block of BLOCK columns.

    The `n` best of a row are in the `n` blocks with the largest maxima (of equal ones the first), or
    behind the last whole block. To look at maxima is ten times faster than to partition.
    """
    blocks = scores.shape[1] // BLOCK
    found: Array = scores[:, : blocks * BLOCK].reshape(len(scores), blocks, BLOCK).max(axis=2)
    return found


def _columns(blocks: Array, columns: int) -> Array:
    """int64[rows, candidates], ascending: the columns of the blocks.

    Those behind the last whole block are always among them.
    """
    inside = (blocks[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(len(blocks), -1)
    rest = np.arange(columns // BLOCK * BLOCK, columns)
    return np.concatenate([inside, np.broadcast_to(rest, (len(blocks), len(rest)))], axis=1)
