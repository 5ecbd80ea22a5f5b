"""The head: the most used items, few enough for a dense matrix of all their pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array

LEAST_EVENTS = 3


CHEAP_HEAD = 1500


@dataclass(frozen=True)
class Head:
    """The most popular items.

    `items` are their codes, ascending; `place` int32[all items] is the row of each, or -1.
    """

    items: Array
    place: Array


def choose_head(history: Histories, items: int, limit: int) -> Head:
    """At most `limit` items, those with the most events; ties by code.

    Items of fewer than LEAST_EVENTS are taken only as far as they come cheaply: the solve is cubic,
    and there is little to be learnt from one or two events.
    """
    counts = np.bincount(history.item, minlength=items)
    worthwhile = max(int((counts >= LEAST_EVENTS).sum()), min(CHEAP_HEAD, int((counts > 0).sum())))
    return most_used(counts, min(limit, worthwhile))


def most_used(counts: Array, limit: int) -> Head:
    """At most `limit` of the items with any events; of equal ones those with the lower code."""
    order = np.lexsort((np.arange(len(counts)), -counts))[: min(limit, int((counts > 0).sum()))]
    chosen = np.sort(order).astype(np.int32)
    place = np.full(len(counts), -1, dtype=np.int32)
    place[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Head(chosen, place)
