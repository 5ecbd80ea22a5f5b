"""Exact top-n with ties by position."""

from __future__ import annotations

import numpy as np

from recommender.data import Array


def top(scores: Array, n: int, allowed: Array | None = None) -> Array:
    """Positions of the `n` largest scores among `allowed`, best first; equal scores keep the lower position."""
    candidates = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    values = scores if allowed is None else scores[candidates]
    if n < len(values):
        kept = largest(values, n)
        candidates, values = candidates[kept], values[kept]
    found: Array = candidates[np.argsort(-values, kind="stable")][: max(0, n)]
    return found


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
