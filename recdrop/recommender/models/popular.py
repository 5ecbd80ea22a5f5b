"""Popularity count and trending now: one order of the catalogue for everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.models.base import Header, Model, popular_items


class PopularModel(Model):
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
        """The same order for every question."""
        del query, exploration_weight, exploration_item_age_cut_off, seed
        return popular_items(self._items, self._popularity, n, allowed, scored=True)

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """By popularity; unknown items last, in the given order, with score 0."""
        del query
        return self._in_order(items, lambda code: float(self._popularity[code]))


def popular_model(header: Header, ids: Ids, scores: Array) -> PopularModel:
    return PopularModel(header, {**ids.arrays("item_ids"), "popularity": scores.astype(np.float32)})
