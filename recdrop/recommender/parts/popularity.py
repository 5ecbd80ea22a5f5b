"""How much each item is used, and how much more of late than before."""

from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.ranking import top


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


def trend(history: Histories, items: int, window_seconds: int) -> Array:
    """float64[items]: how much more an item is used in the newest window than in the one before.

    The gain is in standard deviations of a Poisson count, shrunken towards no change:
    (new - old) / sqrt(new + old + 4). Items without an event in the newest window score below all
    others, the less used the lower.
    """
    if not len(history):
        return np.zeros(items)
    newest = int(history.timestamp.max())
    age = (newest - history.timestamp) // max(1, window_seconds)
    recent = np.bincount(history.item[age == 0], history.weight[age == 0], minlength=items)
    before = np.bincount(history.item[age == 1], history.weight[age == 1], minlength=items)
    gain = (recent - before) / np.sqrt(recent + before + 4.0)
    total = np.bincount(history.item, history.weight, minlength=items)
    found: Array = np.where(recent > 0, gain, gain.min() - 1.0 + total / (total.max() + 1.0))
    return found


def trend_accuracy(history: Histories, items: int, window_seconds: int, depth: int = 25) -> float:
    """The share of the `depth` fastest risers of the newest window that were foretold.

    They are foretold from the time before that window.
    """
    newest = int(history.timestamp.max())
    before = history.take_events(newest - history.timestamp >= window_seconds)
    if not len(before):
        return 0.0
    risen = top(trend(history, items, window_seconds), min(depth, items))
    foretold = top(trend(before, items, window_seconds), min(depth, items))
    return len(np.intersect1d(risen, foretold)) / max(1, len(risen))
