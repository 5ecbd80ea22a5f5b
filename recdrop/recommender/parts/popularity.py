"""How much each item is used, and how much it will be used in the time that comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.ranking import top

# The risers looked at, the windows that a trend looks back on, and those it is tried on.
DEPTH = 25
WINDOWS = 12
TRIED_ON = 4


@dataclass(frozen=True)
class Trend:
    """How a trend is told: `momentum` of the newest rise, the rest of the level that it rose to.

    The level is the mean of the windows, each `memory` times the one after it.
    """

    momentum: float = 1.0
    memory: float = 0.0


# The plain rise comes first: what is no better does not replace it.
TRENDS = (
    Trend(),
    *(Trend(momentum, memory) for momentum in (0.5, 0.2, 0.0) for memory in (0.3, 0.7, 0.85)),
)


def popularity(history: Histories, items: int, age: float = 0.0) -> Array:
    """float32[items], at most 1: weighted counts.

    With `age` they decay by exp(-a / age), where `a` runs from 0 for the newest event to 1 for the
    oldest.
    """
    weight = history.weight.astype(np.float64)
    if age and len(history):
        newest, span = history.timestamp.max(), max(1, int(np.ptp(history.timestamp)))
        weight = weight * np.exp(-(newest - history.timestamp) / (age * span))
    counts = np.bincount(history.item, weight, minlength=items)
    largest = counts.max() if len(counts) else 0.0
    found: Array = (counts / largest if largest > 0 else counts).astype(np.float32)
    return found


def counts(history: Histories, items: int) -> Array:
    """float64[items]: the sum of the weights of each item's events."""
    return np.bincount(history.item, history.weight, minlength=items)


def by_window(history: Histories, items: int, window_seconds: int) -> Array:
    """float64[windows, items]: the weighted counts of each window, the newest first.

    The newest window ends with the newest event.
    """
    if not len(history):
        return np.zeros((WINDOWS + TRIED_ON, items))
    age = (int(history.timestamp.max()) - history.timestamp) // max(1, window_seconds)
    kept = age < WINDOWS + TRIED_ON
    cell = age[kept] * items + history.item[kept]
    found = np.bincount(cell, history.weight[kept], minlength=(WINDOWS + TRIED_ON) * items)
    return found.reshape(-1, items)


def trend(windows: Array, how: Trend) -> Array:
    """float64[items]: how much of each item is expected, by its rise and its level.

    The rise from the second newest window to the newest is in standard deviations of a Poisson
    count, shrunken towards no change: (new - old) / sqrt(new + old + 4). The level is in the same
    unit, the square root of a count.
    """
    new, old = windows[0], windows[1]
    share = how.memory ** np.arange(WINDOWS)
    level = np.sqrt(share @ windows[:WINDOWS] / share.sum())
    found: Array = how.momentum * _rise(new, old) + (1 - how.momentum) * level
    if how.momentum < 1:
        return found
    # A rise alone cannot tell what is unused from what is steady: what has no event in the newest
    # window comes last, the less used the lower.
    total = windows.sum(axis=0)
    return np.where(new > 0, found, found.min() - 1.0 + total / (total.max() + 1.0))


def choose_trend(windows: Array) -> Trend:
    """The way that would have foretold the last windows best."""
    merits = [trend_accuracy(windows, how) + _events_foretold(windows, how) for how in TRENDS]
    return TRENDS[int(np.argmax(merits))]


def trend_accuracy(windows: Array, how: Trend) -> float:
    """The share of the fastest risers of a window that were foretold, over the last windows.

    They are foretold from the time before their window. A riser is used more than in the window
    before it.
    """
    return _mean_foretold(windows, how, _risers_foretold)


def _risers_foretold(following: Array, last: Array, foretold: Array) -> float:
    rise = _rise(following, last)
    risers = top(rise, min(DEPTH, len(rise)))
    risers = risers[rise[risers] > 0]
    return len(np.intersect1d(risers, foretold)) / max(1, len(risers))


def _events_foretold(windows: Array, how: Trend) -> float:
    """The share of a window's events that are of the items foretold, over the last windows."""
    return _mean_foretold(
        windows, how, lambda following, _, told: float(following[told].sum() / following.sum())
    )


def _mean_foretold(
    windows: Array, how: Trend, measure: Callable[[Array, Array, Array], float]
) -> float:
    found = []
    for at in range(TRIED_ON):
        following, past = windows[at], windows[at + 1 :]
        # Of a window without events, or with nothing before it, there is nothing to be told.
        if following.any() and past.any():
            foretold = top(trend(past, how), min(DEPTH, len(following)))
            found.append(measure(following, past[0], foretold))
    return float(np.mean(found)) if found else 0.0


def _rise(new: Array, old: Array) -> Array:
    found: Array = (new - old) / np.sqrt(new + old + 4.0)
    return found
