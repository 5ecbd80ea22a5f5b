"""Popularity count and trending now: one order of the catalogue for everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.models.base import Base, Header, popular_items
from recdrop.recommender.parts.ranking import top


class PopularModel(Base):
    """`popularity` float32[items] is the score of each item, larger is better."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._popularity = arrays["popularity"]

    def recommend(
        self,
        query: Query,
        n: int = 25,
        *,
        allowed: Array | None = None,
        exploration_weight: float = 0.3,
        exploration_item_age_cut_off: float = 30,
        seed: int = 0,
    ) -> list[Scored]:
        del query, exploration_weight, exploration_item_age_cut_off, seed
        return popular_items(self._items, self._popularity, n, allowed, scored=True)

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """By popularity; unknown items last, in the given order, with score 0."""
        del query
        known = [
            (identifier, code)
            for identifier in items
            if (code := self.item_index(identifier)) is not None
        ]
        ranked = sorted(known, key=lambda pair: (-float(self._popularity[pair[1]]), pair[0]))
        unknown = [identifier for identifier in items if self.item_index(identifier) is None]
        return [Scored(i, float(self._popularity[code])) for i, code in ranked] + [
            Scored(i, 0.0) for i in unknown
        ]


def popular_model(header: Header, ids: Ids, scores: Array) -> PopularModel:
    return PopularModel(header, {**ids.arrays("item_ids"), "popularity": scores.astype(np.float32)})


def counts(history: Histories, items: int) -> Array:
    return np.bincount(history.item, history.weight, minlength=items)


def trend_accuracy(history: Histories, items: int, window_seconds: int, depth: int = 25) -> float:
    """The share of the `depth` items that rise most in the newest window which were foretold from
    the time before it.
    """
    newest = int(history.timestamp.max())
    before = history.take_events(newest - history.timestamp >= window_seconds)
    if not len(before):
        return 0.0
    risen = top(trend(history, items, window_seconds), min(depth, items))
    foretold = top(trend(before, items, window_seconds), min(depth, items))
    return len(np.intersect1d(risen, foretold)) / max(1, len(risen))


def trend(history: Histories, items: int, window_seconds: int) -> Array:
    """How much more an item is used in the newest window than in the one before, shrunk towards no
    change.

    The gain is measured in standard deviations of a Poisson count: (new - old) / sqrt(new + old +
    prior). Items without an event in the newest window score below all others, by age of their last
    event.
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
