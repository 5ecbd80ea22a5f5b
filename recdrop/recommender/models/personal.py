"""User personalization and personalized ranking.

One engine, asked for its best items or for the order of given ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from recdrop.recommender.data.histories import Past
from recdrop.recommender.data.records import Array, Column, Query, Scored
from recdrop.recommender.engine.scores import Engine
from recdrop.recommender.models.base import EXPLORATION, Header, Model, popular_items
from recdrop.recommender.models.memory import EventRules, Vocabulary, whole_history
from recdrop.recommender.parts import explore
from recdrop.recommender.parts.explore import Novelty
from recdrop.recommender.parts.lifts import Lifts, row_values
from recdrop.recommender.parts.ranking import top

LEAST_PROFILE = 0.5
MOST_CANDIDATES = 2000
LEAST_LIKENESS = 0.1
# A whole draw would drown the likeness: the liked and the unliked would be shown alike.
DRAW_POWER = 0.1


@dataclass(frozen=True)
class Additions:
    """What a personal model keeps beside its engine.

    `context` and `profile` are the lifts of the context of a question and of the metadata of its
    user; `users` is the metadata of the known users.
    """

    context: Lifts
    profile: Lifts
    users: Mapping[str, Column]
    novelty: Novelty


class PersonalModel(Model):
    """Answers for known users from their history, for new ones from the events of the question."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        self._engine = Engine.from_arrays(header.settings, arrays)
        self._rules = EventRules.from_settings(header.settings)
        self._context = Lifts.from_arrays(arrays, "context")
        self._profile = Lifts.from_arrays(arrays, "profile")
        self._user_rows = arrays["user_rows"]
        self._novelty = Novelty.from_arrays(arrays)
        # To look at every item's age costs more than an answer, and callers use few cut-offs.
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
        """Personal items, best first; the scores of the whole catalogue add up to 1.

        Who has neither events nor a known context or metadata gets popular items.
        `exploration_item_age_cut_off` is in days.
        """
        past = whole_history(self._vocabulary, self._rules, query)
        tilt = self._tilt(query, len(past))
        shares = None
        if not len(past) and tilt is None:
            ranked = popular_items(self._items, self._engine.popularity, n, allowed)
        else:
            scores = self._engine.scores(past, tilt)
            shares = _shares(scores)
            chosen = self._choose(scores, past.item, n, allowed)
            ranked = [self._scored(int(code), shares) for code in chosen]
        if exploration_weight <= 0 or not ranked:
            return ranked
        newest = query.events[-1].item_id if query.events else ""
        rng = explore.generator(seed, query.user_id or "", newest)
        places = explore.slots(len(ranked), exploration_weight, rng)
        new = self._new_items(exploration_item_age_cut_off, allowed, len(places), past, rng)
        inserted = [self._scored(int(code), shares, EXPLORATION) for code in new]
        # There may be fewer new items than slots.
        return _insert(ranked, dict(zip(places.tolist(), inserted, strict=False)))

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """The given items, best first; the scores of the known ones add up to 1.

        Unknown items come last with score 0.
        """
        past = whole_history(self._vocabulary, self._rules, query)
        scores = self._engine.scores(past, self._tilt(query, len(past)))
        # Ordered by the raw score, which tells items below 0 apart; shown as shares, which do not.
        ranked = self._in_order(items, lambda code: float(scores[code]))
        total = sum(max(0.0, float(scored.score or 0.0)) for scored in ranked) or 1.0
        return [Scored(one.item_id, max(0.0, one.score or 0.0) / total) for one in ranked]

    def _tilt(self, query: Query, events: int) -> Array | None:
        """The log of the factor from context and user metadata, float32[items].

        Without events the metadata always counts: there is nothing else to go by.
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
        """The lifts of the metadata in the question, else of what is known of its user."""
        if query.user:
            return self._profile.of(query.user)
        code = None if query.user_id is None else self._vocabulary.users.index(query.user_id)
        if code is None or not len(self._profile.table):
            return None
        rows = self._user_rows[code]
        found: Array = self._profile.table[rows[rows >= 0]].sum(axis=0)
        return found

    def _scored(self, code: int, shares: Array | None, reason: str | None = None) -> Scored:
        score = None if shares is None else float(shares[code])
        return Scored(self._items.name(code), score, reason)

    def _choose(self, scores: Array, item: Array, n: int, allowed: Array | None) -> Array:
        """Codes of the best `n`; where items do not repeat, those not had before come first.

        Items had before fill up when nothing else is allowed.
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
        """At most `n` codes of new items that the user does not know.

        By likeness to the user's items, and around that by a draw from what is known of an item's
        rate: of the items that a user may like, each gets its turn.
        """
        fresh = self._new(cut_off_days)
        fresh = fresh if allowed is None else fresh[allowed[fresh]]
        # After the import of a season's catalogue a draw over all would cost more than the answer:
        # every step-th item takes part, from a random first one.
        step = -(-len(fresh) // MOST_CANDIDATES)
        if step > 1:
            fresh = fresh[rng.integers(step) :: step]
        fresh = fresh[~np.isin(fresh, past.item)]
        likeness = self._engine.likeness(past)[fresh]
        likeness = LEAST_LIKENESS + likeness / max(float(likeness.max(initial=0)), 1e-9)
        merit = likeness * self._novelty.chance(rng, fresh) ** DRAW_POWER
        found: Array = fresh[top(merit, n)]
        return found


def _shares(scores: Array) -> Array:
    """float32[items] of sum 1; what is below 0 counts as 0."""
    positive: Array = np.maximum(scores, 0)
    positive /= max(float(positive.sum()), 1e-12)
    return positive


def _insert(ranked: list[Scored], inserted: Mapping[int, Scored]) -> list[Scored]:
    """New items at their places, the others move down.

    One that was ranked anyway moves to its place among the new.
    """
    new = {scored.item_id for scored in inserted.values()}
    rest = iter(scored for scored in ranked if scored.item_id not in new)
    return [inserted[place] if place in inserted else next(rest) for place in range(len(ranked))]


def personal_model(
    header: Header, vocabulary: Vocabulary, engine: Engine, additions: Additions
) -> PersonalModel:
    arrays = {
        **vocabulary.arrays(),
        **engine.arrays(),
        **additions.context.arrays("context"),
        **additions.profile.arrays("profile"),
        **additions.novelty.arrays(),
        "user_rows": _user_rows(additions.profile, additions.users, len(vocabulary.users)),
    }
    return PersonalModel(header, arrays)


def _user_rows(profile: Lifts, users: Mapping[str, Column], size: int) -> Array:
    """int32[users, most values]: which rows of the table each known user's values have.

    Looked up once, at training: an answer then only adds rows. Padded with -1.
    """
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
