"""Exact top-n with ties by position."""

from __future__ import annotations

import numpy as np

from recommender.data import Array

BLOCK = 64


def top(scores: Array, n: int, allowed: Array | None = None) -> Array:
    """Positions of the `n` largest scores among `allowed`, best first; equal scores keep the lower position."""
    candidates = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    values = scores if allowed is None else scores[candidates]
    if 0 < n < len(values) // BLOCK:
        kept = _in_best_blocks(values[None, :], n)[0]
        candidates, values = candidates[kept], values[kept]
    if n < len(values):
        kept = largest(values, n)
        candidates, values = candidates[kept], values[kept]
    found: Array = candidates[np.argsort(-values, kind="stable")][: max(0, n)]
    return found


def top_each(scores: Array, n: int) -> Array:
    """int64[rows, n]: the same for every row of a matrix of at least `n` columns."""
    candidates = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    if n < scores.shape[1] // BLOCK:
        candidates = _in_best_blocks(scores, n)
    order = np.argsort(-np.take_along_axis(scores, candidates, axis=1), axis=1, kind="stable")[:, :n]
    return np.take_along_axis(candidates, order, axis=1)


def largest(values: Array, n: int) -> Array:
    """Positions, ascending, of the `n` largest; of equal ones the first."""
    if n >= len(values):
        return np.arange(len(values))
    if n <= 0:
        return np.zeros(0, dtype=np.int64)
    limit = np.partition(values, len(values) - n)[len(values) - n]
    above = np.flatnonzero(values > limit)
    level = np.flatnonzero(values == limit)[: n - len(above)]
    return np.sort(np.concatenate([above, level]))


def _in_best_blocks(scores: Array, n: int) -> Array:
    """int64[rows, candidates], ascending: the columns of the `n` blocks with the largest maxima, the first of equal ones,
    and of the rest behind the last whole block. The `n` best are among them, whatever the ties; to look at maxima is ten
    times faster than to partition."""
    blocks = scores.shape[1] // BLOCK
    maxima = scores[:, : blocks * BLOCK].reshape(len(scores), blocks, BLOCK).max(axis=2)
    best = np.sort(np.argsort(-maxima, axis=1, kind="stable")[:, :n], axis=1)
    inside = (best[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(len(scores), -1)
    rest = np.broadcast_to(np.arange(blocks * BLOCK, scores.shape[1]), (len(scores), scores.shape[1] - blocks * BLOCK))
    return np.concatenate([inside, rest], axis=1)
