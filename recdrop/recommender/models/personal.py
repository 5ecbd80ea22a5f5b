"""User personalization and personalized ranking: one engine, asked for its best items or for the
order of given ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from recdrop.recommender.data.histories import Past
from recdrop.recommender.data.records import Array, Column, Query, Scored
from recdrop.recommender.engine.scores import Engine, Head, Settings
from recdrop.recommender.models.base import (
    EXPLORATION,
    Base,
    EventRules,
    Header,
    Vocabulary,
    popular_items,
    whole_history,
)
from recdrop.recommender.parts import explore
from recdrop.recommender.parts.content import Content
from recdrop.recommender.parts.explore import Novelty
from recdrop.recommender.parts.habits import Habits
from recdrop.recommender.parts.lifts import Lifts, row_values
from recdrop.recommender.parts.markov import Rows
from recdrop.recommender.parts.ranking import top
from recdrop.recommender.parts.sequence import SequenceNet

LEAST_PROFILE = 0.5
MOST_CANDIDATES = 2000


@dataclass(frozen=True)
class Additions:
    """What a personal model keeps beside its engine. `users` is the metadata of the known users."""

    context: Lifts
    profile: Lifts
    users: Mapping[str, Column]
    novelty: Novelty


class PersonalModel(Base):
    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        self._engine = engine_from_arrays(header.settings, arrays)
        self._rules = EventRules.from_settings(header.settings)
        self._context = _lifts_from_arrays(arrays, "context")
        self._profile = _lifts_from_arrays(arrays, "profile")
        self._user_rows = arrays["user_rows"]
        self._novelty = Novelty.from_arrays(arrays)
        self._new = lru_cache(maxsize=8)(
            lambda cut_off_days: np.flatnonzero(self._novelty.is_new(cut_off_days))
        )

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def novelty(self) -> Novelty:
        return self._novelty

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
        """Personal items, best first; the scores of the whole catalogue add up to 1. Who has
        neither events nor a
        known context or metadata gets popular items. `exploration_item_age_cut_off` is in days."""
        past = whole_history(self._vocabulary, self._rules, query)
        tilt = self._tilt(query, len(past))
        if not len(past) and tilt is None:
            shares = None
            ranked = popular_items(self._items, self._engine.popularity, n, allowed)
        else:
            scores = self._engine.scores(past, tilt)
            shares = _shares(scores)
            ranked = [
                self._scored(int(code), shares)
                for code in self._choose(scores, past.item, n, allowed)
            ]
        if exploration_weight <= 0 or not ranked:
            return ranked
        rng = explore.generator(
            seed, query.user_id or "", query.events[-1].item_id if query.events else ""
        )
        places = explore.slots(len(ranked), exploration_weight, rng)
        chosen = self._new_items(exploration_item_age_cut_off, allowed, len(places), past, rng)
        inserted = [self._scored(int(code), shares, EXPLORATION) for code in chosen]
        return _insert(ranked, dict(zip(places.tolist(), inserted, strict=False)))

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """The given items, best first; scores of known ones add up to 1.

        Unknown items come last with score 0.
        """
        past = whole_history(self._vocabulary, self._rules, query)
        scores = self._engine.scores(past, self._tilt(query, len(past)))
        known = [
            (identifier, code)
            for identifier in items
            if (code := self.item_index(identifier)) is not None
        ]
        total = sum(max(0.0, float(scores[code])) for _, code in known) or 1.0
        ranked = sorted(
            ((name, float(scores[code])) for name, code in known),
            key=lambda pair: (-pair[1], pair[0]),
        )
        unknown = [
            Scored(identifier, 0.0) for identifier in items if self.item_index(identifier) is None
        ]
        return [Scored(name, max(0.0, score) / total) for name, score in ranked] + unknown

    def _tilt(self, query: Query, events: int) -> Array | None:
        """Log of the factor from context and user metadata, float32[items]; without events the
        metadata always counts.
        """
        settings = self._engine.settings
        profile = settings.profile if events else max(settings.profile, LEAST_PROFILE)
        parts = [
            (settings.context, self._context.of(query.context)),
            (profile, self._profile_of(query)),
        ]
        found = [np.float32(weight) * part for weight, part in parts if weight and part is not None]
        return np.sum(found, axis=0) if found else None

    def _profile_of(self, query: Query) -> Array | None:
        if query.user:
            return self._profile.of(query.user)
        code = None if query.user_id is None else self._vocabulary.users.index(query.user_id)
        if code is None or not len(self._profile.table):
            return None
        rows = self._user_rows[code]
        found: Array = self._profile.table[rows[rows >= 0]].sum(axis=0)
        return found

    def _scored(self, code: int, shares: Array | None, reason: str | None = None) -> Scored:
        return Scored(
            self._items.name(code), None if shares is None else float(shares[code]), reason
        )

    def _choose(self, scores: Array, item: Array, n: int, allowed: Array | None) -> Array:
        """Unseen items first where items do not repeat; seen ones fill up when nothing else is
        allowed.
        """
        if self._engine.settings.repeats or not len(item):
            return top(scores, n, allowed)
        unseen = scores.copy() if allowed is None else np.where(allowed, scores, -np.inf)
        unseen[item] = -np.inf
        chosen = top(unseen, n)
        chosen = chosen[unseen[chosen] > -np.inf]
        if len(chosen) == n:
            return chosen
        seen = np.unique(item)
        rest = seen if allowed is None else seen[allowed[seen]]
        return np.concatenate([chosen, rest[top(scores[rest], n - len(chosen))]])

    def _new_items(
        self,
        cut_off_days: float,
        allowed: Array | None,
        n: int,
        past: Past,
        rng: np.random.Generator,
    ) -> Array:
        """At most `n` codes of new items that the user does not know: those that are like the
        user's, by a draw from what
        is known of their rate. Of very many new items a random part takes part."""
        fresh = self._new(cut_off_days)
        fresh = fresh if allowed is None else fresh[allowed[fresh]]
        step = -(-len(fresh) // MOST_CANDIDATES)
        if step > 1:
            fresh = fresh[rng.integers(step) :: step]
        fresh = fresh[~np.isin(fresh, past.item)]
        merit = self._novelty.chance(rng, fresh) * (0.1 + self._engine.likeness(past)[fresh])
        found: Array = fresh[top(merit, n)]
        return found


def _shares(scores: Array) -> Array:
    """float32[items] of sum 1; what is below 0 counts as 0."""
    positive: Array = np.maximum(scores, 0)
    positive /= max(float(positive.sum()), 1e-12)
    return positive


def _insert(ranked: list[Scored], inserted: Mapping[int, Scored]) -> list[Scored]:
    """New items at their places, the others move down; one that was ranked anyway moves to its
    place among the new.
    """
    new = {scored.item_id for scored in inserted.values()}
    rest = iter(scored for scored in ranked if scored.item_id not in new)
    return [inserted[place] if place in inserted else next(rest) for place in range(len(ranked))]


def personal_model(
    header: Header, vocabulary: Vocabulary, engine: Engine, additions: Additions
) -> PersonalModel:
    arrays = {
        **vocabulary.arrays(),
        **engine_arrays(engine),
        **_lift_arrays(additions.context, "context"),
        **_lift_arrays(additions.profile, "profile"),
        **additions.novelty.arrays(),
        "user_rows": _user_rows(additions.profile, additions.users, len(vocabulary.users)),
    }
    return PersonalModel(header, arrays)


def _user_rows(profile: Lifts, users: Mapping[str, Column], size: int) -> Array:
    """int32[users, most values]: the rows of each known user's values in the table, padded with -1."""
    if not profile.columns:
        return np.zeros((size, 0), dtype=np.int32)
    found = [
        [
            row
            for name, value in row_values(users, user).items()
            for row in profile.rows(name, value)
        ]
        for user in range(size)
    ]
    table = np.full((size, max(map(len, found), default=0)), -1, dtype=np.int32)
    for user, rows in enumerate(found):
        table[user, : len(rows)] = rows
    return table


def engine_arrays(engine: Engine) -> dict[str, Array]:
    content = {} if engine.content is None else engine.content.features.arrays("content")
    net = {} if engine.net is None else engine.net.arrays("sequence")
    habits = {} if engine.habits is None else engine.habits.arrays("habits")
    return {
        "head_items": engine.head.items,
        "head_place": engine.head.place,
        "weights": engine.weights,
        "popularity": engine.popularity,
        **engine.markov.arrays("markov"),
        **content,
        **net,
        **habits,
        "content_columns": np.array([engine.content.columns if engine.content else 0]),
    }


def engine_from_arrays(settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Engine:
    head = Head(arrays["head_items"], arrays["head_place"])
    markov = Rows.from_arrays(arrays, "markov")
    columns = int(arrays["content_columns"][0])
    content = Content(Rows.from_arrays(arrays, "content"), columns) if columns else None
    net = SequenceNet.from_arrays(arrays, "sequence") if "sequence_items" in arrays else None
    habits = Habits.from_arrays(arrays, "habits") if "habits_item" in arrays else None
    return Engine(
        Settings.from_dict(settings),
        head,
        arrays["weights"],
        markov,
        arrays["popularity"],
        content,
        net,
        habits,
    )


def _lift_arrays(lifts: Lifts, name: str) -> dict[str, Array]:
    described = json.dumps(lifts.columns, sort_keys=True).encode()
    return {
        f"{name}_table": lifts.table,
        f"{name}_columns": np.frombuffer(described, dtype=np.uint8),
    }


def _lifts_from_arrays(arrays: Mapping[str, Array], name: str) -> Lifts:
    return Lifts(json.loads(arrays[f"{name}_columns"].tobytes()), arrays[f"{name}_table"])
