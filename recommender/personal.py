"""User personalization and personalized ranking: one engine, asked for its best items or for the order of given ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recommender.data import Array, Query, Scored
from recommender.engine import Engine, Head, Settings
from recommender.markov import Rows
from recommender.model import Base, EventRules, Header, Vocabulary, popular_items, whole_history
from recommender.ranking import top


class PersonalModel(Base):
    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        self._engine = engine_from_arrays(header.settings, arrays)
        self._rules = EventRules.from_settings(header.settings)

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
        """Personal items, best first; scores add up to at most 1. Without any known event: popular items."""
        item, weight = whole_history(self._vocabulary, self._rules, query)
        if not len(item):
            return popular_items(self._items, self._engine.popularity, n, allowed)
        scores = self._engine.scores(item, weight)
        chosen = self._choose(scores, item, n, allowed)
        total = max(float(scores.sum()), 1e-12)
        return [Scored(self._items.name(int(code)), max(0.0, float(scores[code])) / total) for code in chosen]

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """The given items, best first; scores of known ones add up to 1. Unknown items come last with score 0."""
        item, weight = whole_history(self._vocabulary, self._rules, query)
        scores = self._engine.scores(item, weight)
        codes = [self.item_index(identifier) for identifier in items]
        known = [(place, code) for place, code in enumerate(codes) if code is not None]
        values = np.array([max(0.0, float(scores[code])) for _, code in known])
        shares = values / values.sum() if values.sum() > 0 else values
        order = sorted(range(len(known)), key=lambda at: (-float(scores[known[at][1]]), items[known[at][0]]))
        ranked = [Scored(items[known[at][0]], float(shares[at])) for at in order]
        return ranked + [Scored(items[place], 0.0) for place, code in enumerate(codes) if code is None]

    def _choose(self, scores: Array, item: Array, n: int, allowed: Array | None) -> Array:
        """Unseen items first where items do not repeat; seen ones fill up when nothing else is allowed."""
        if self._engine.settings.repeats:
            return top(scores, n, allowed)
        fresh = np.ones(len(scores), dtype=bool) if allowed is None else allowed.copy()
        fresh[item] = False
        chosen = top(scores, n, fresh)
        if len(chosen) == n:
            return chosen
        seen = np.zeros(len(scores), dtype=bool)
        seen[item] = True
        rest = top(scores, n - len(chosen), seen if allowed is None else seen & allowed)
        return np.concatenate([chosen, rest])


def engine_arrays(engine: Engine) -> dict[str, Array]:
    return {
        "head_items": engine.head.items,
        "head_place": engine.head.place,
        "weights": engine.weights,
        "popularity": engine.popularity,
        **engine.markov.arrays("markov"),
    }


def engine_from_arrays(settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Engine:
    head = Head(arrays["head_items"], arrays["head_place"])
    markov = Rows.from_arrays(arrays, "markov")
    return Engine(Settings.from_dict(settings), head, arrays["weights"], markov, arrays["popularity"])


def personal_model(header: Header, vocabulary: Vocabulary, engine: Engine) -> PersonalModel:
    return PersonalModel(header, {**vocabulary.arrays(), **engine_arrays(engine)})
