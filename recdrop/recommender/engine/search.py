"""Chooses settings: coordinate steps from robust defaults, each taken only when it clearly helps.

What is tried depends on the size of the data and on the budget, never on the clock: the same data
and seed choose the same settings on any machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from recdrop.recommender.data.records import Array
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.steps import Step

# Low, for a step costs the model nothing; but noise alone must not decide.
BAR = 0.5
LEAST_GAIN = 0.001


class Asked(Protocol):
    """Questions that settings are scored on."""

    def gains(self, settings: Settings, /) -> Array:
        """float64: NDCG@10 of every question."""
        ...


def search(
    trials: Sequence[Asked], start: Settings, steps: Iterable[list[Step]], bar: float = BAR
) -> Settings:
    """The best settings found.

    Of each group of alternatives the best is taken, when it gains more than `bar` standard errors of
    the difference, paired by question. The first that helps would not do: the next one is rarely
    better by another half error.
    """
    best, gains = start, _gains(trials, start)
    if not len(gains):
        return start
    for alternatives in steps:
        candidates = [candidate for step in alternatives if (candidate := best.but(**step)) != best]
        found = [_gains(trials, candidate) for candidate in candidates]
        leader = max(range(len(found)), key=lambda at: float(found[at].mean()))
        if is_better(found[leader], gains, bar):
            best, gains = candidates[leader], found[leader]
    return best


def _gains(trials: Sequence[Asked], settings: Settings) -> Array:
    """float64: NDCG@10 of every question of every trial, one after the other."""
    return np.concatenate([trial.gains(settings) for trial in trials])


def is_better(candidate: Array, present: Array, bar: float = BAR) -> bool:
    """Whether the paired difference is above `bar` standard errors and above a thousandth of what is."""
    difference = candidate - present
    if len(difference) < 2:
        return False
    error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
    return bool(float(difference.mean()) > max(bar * error, LEAST_GAIN * float(present.mean())))
