"""Chooses settings on validation users: coordinate steps from robust defaults, each taken only when it clearly helps.

Works on the most used items, and on a sample of users when there are many. How much is tried depends on the size of the
data and on the budget, never on the clock, so that the same data and seed choose the same settings on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from recommender.content import Content
from recommender.data import Array
from recommender.engine import (
    Settings,
    Statistics,
    choose_head,
    decay_each,
    popularity,
    solve_weights,
    statistics,
)
from recommender.gram import Window, next_item_grams
from recommender.histories import Histories
from recommender.split import Cases

CUTOFF = 10
LEAST_GAIN_IN_ERRORS = 0.5
LEAST_GAIN = 0.001
Step = dict[str, Any]

WINDOWS: tuple[Step, ...] = (
    {"tau": 2.0, "past": 10, "tau_next": 1.0, "next": 3},
    {"tau": 5.0, "past": 20, "tau_next": 2.0, "next": 6},
    {"tau": 20.0, "past": 40, "tau_next": 10.0, "next": 20},
)


MARKOV_WINDOWS = ((5, 2.0), (10, 3.0), (20, 8.0))


@dataclass(frozen=True)
class Effort:
    """Bounds of the search: items looked at, training events, questions, rounds over the coordinates; and the size of the head."""

    items: int
    events: int
    cases: int
    rounds: int
    head: int = 4000

    @classmethod
    def of(cls, budget_seconds: float, *, hpo: bool) -> Effort:
        scale = max(0.1, budget_seconds / 30)
        if hpo:
            return cls(
                min(4000, int(2500 * scale**0.33)), int(1_500_000 * scale), int(1500 * scale**0.5), 3, min(8000, int(5000 * scale**0.33))
            )
        return cls(min(3000, int(1500 * scale**0.33)), int(500_000 * scale), int(600 * scale**0.5), 1, min(6000, int(4000 * scale**0.33)))


@dataclass(frozen=True)
class Aids:
    """What metadata and context offer. The tilts are float32[questions, items]: logs of factors, taken at given items."""

    content: Content | None = None
    context: Callable[[Array], Array] | None = None
    profile: Callable[[Array], Array] | None = None


class Trial:
    """Scores settings on fixed questions. Parts are cached: a step that moves a weight costs one addition."""

    def __init__(self, history: Histories, cases: Cases, items: int, effort: Effort, aids: Aids | None = None) -> None:
        self._history = history
        self._items = items
        self._head = choose_head(history, items, effort.items)
        self._size = len(self._head.items)
        self._known = cases.known
        self._aids = aids = aids or Aids()
        self._context = aids.context(self._head.items) if aids.context else None
        self._profile = aids.profile(self._head.items) if aids.profile else None
        self._truth = self._truth_matrix(cases)
        self._ideal = _ideal(self._truth.sum(axis=1))
        self._seen = self._history_matrix(None).toarray() > 0
        self.statistics = lru_cache(maxsize=3)(self._statistics)
        self.weights = lru_cache(maxsize=2)(self._weights)
        self.ridge = lru_cache(maxsize=4)(self._ridge)
        self.transitions = lru_cache(maxsize=3)(self._transitions)
        self.markov = lru_cache(maxsize=6)(self._markov)
        self.frequency = lru_cache(maxsize=6)(self._frequency)
        self.popularity = lru_cache(maxsize=6)(self._popularity)
        self.content = lru_cache(maxsize=4)(self._content)

    @property
    def is_partial(self) -> bool:
        """There are used items that this trial does not look at."""
        return int((np.bincount(self._history.item, minlength=self._items) > 0).sum()) > self._size

    def gains(self, settings: Settings) -> Array:
        """NDCG@10 per question, float64[questions with a true item among those looked at]."""
        total = self._total(settings)
        if not settings.repeats:
            total = np.where(self._seen, -np.inf, total)
        return _ndcg(total, self._truth, self._ideal)

    def _total(self, s: Settings) -> Array:
        total = self.ridge(s.window, s.use_share, s.penalty, s.repeats, s.memory).copy()
        if s.markov:
            total += np.float32(s.markov) * self.markov(s.markov_window, s.markov_tau, s.markov_memory)
        if s.frequency:
            total += np.float32(s.frequency) * self.frequency(s.frequency_memory)
        total += np.float32(s.popularity) * self.popularity(s.popularity_age)
        if s.content:
            total += np.float32(s.content) * self.content(s.content_memory)
        return self._tilted(total, s)

    def _tilted(self, total: Array, s: Settings) -> Array:
        if s.context and self._context is not None:
            total = total * np.exp(np.float32(s.context) * self._context)
        if s.profile and self._profile is not None:
            total = total * np.exp(np.float32(s.profile) * self._profile)
        return total

    def _statistics(self, window: Window) -> Statistics:
        return statistics(self._history, self._head, window)

    def _weights(self, window: Window, use_share: float, penalty: float, repeats: bool) -> Array:
        chosen = Settings(use_share=use_share, penalty=penalty, repeats=repeats)
        return solve_weights(self.statistics(window), chosen)

    def _ridge(self, window: Window, use_share: float, penalty: float, repeats: bool, memory: float) -> Array:
        return _scaled(self._history_matrix(memory) @ self.weights(window, use_share, penalty, repeats))

    def _transitions(self, window: int, tau: float) -> Array:
        cross = next_item_grams(self._history, self._head.place, Window(tau, window, 1.0, 1)).cross
        uses = np.maximum(np.bincount(self._history.item, self._history.weight, minlength=self._items), 1.0)
        uses = uses[self._head.items].astype(np.float32)
        return cross / np.sqrt(uses[:, None]) * uses[None, :] ** np.float32(-0.1)

    def _markov(self, window: int, tau: float, memory: float) -> Array:
        return _scaled(self._history_matrix(memory) @ self.transitions(window, tau))

    def _frequency(self, memory: float) -> Array:
        return _scaled(self._history_matrix(memory).toarray())

    def _popularity(self, age: float) -> Array:
        return popularity(self._history, self._items, age)[self._head.items]

    def _content(self, memory: float) -> Array:
        content = self._aids.content
        if content is None:
            return np.zeros((1, self._size), dtype=np.float32)
        features = content.features.matrix(content.columns)
        known = self._known
        weight = known.weight * decay_each(known, memory)
        cells = (weight, (known.user_of_event(), known.item))
        profiles = sparse.csr_matrix(cells, shape=(known.users, self._items), dtype=np.float32) @ features
        return _scaled((profiles @ features[self._head.items].T).toarray())

    def _history_matrix(self, memory: float | None) -> sparse.csr_matrix:
        """CSR [questions, items looked at]: decayed weights of the known events."""
        known = self._known
        column = self._head.place[known.item]
        weight = known.weight if memory is None else known.weight * decay_each(known, memory)
        keep = (column >= 0) & (weight > 1e-3)
        cells = (weight[keep], (known.user_of_event()[keep], column[keep]))
        return sparse.csr_matrix(cells, shape=(known.users, self._size), dtype=np.float32)

    def _truth_matrix(self, cases: Cases) -> Array:
        found = np.zeros((len(cases), self._size), dtype=bool)
        row = np.repeat(np.arange(len(cases)), np.diff(cases.starts))
        column = self._head.place[cases.truth]
        found[row[column >= 0], column[column >= 0]] = True
        return found


def _scaled(part: Array) -> Array:
    largest = part.max(axis=1, keepdims=True) if part.size else np.ones((len(part), 1))
    found: Array = (part / np.where(largest > 0, largest, 1)).astype(np.float32)
    return found


def _ideal(relevant: Array) -> Array:
    sums = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(CUTOFF) + 2))])
    found: Array = sums[np.minimum(relevant, CUTOFF)]
    return found


def _ndcg(scores: Array, truth: Array, ideal: Array) -> Array:
    asked = np.flatnonzero(ideal > 0)
    width = min(CUTOFF, scores.shape[1])
    values = scores[asked]
    best = np.argpartition(-values, width - 1, axis=1)[:, :width]
    order = np.argsort(-np.take_along_axis(values, best, axis=1), axis=1, kind="stable")
    hits = np.take_along_axis(truth[asked], np.take_along_axis(best, order, axis=1), axis=1)
    found: Array = (hits / np.log2(np.arange(width) + 2)).sum(axis=1) / ideal[asked]
    return found


def coordinates(repeat_share: float, aids: Aids | None = None, *, is_large: bool = False) -> Iterator[list[Step]]:
    """Groups of alternatives, in the order in which they are tried. For large data without the dearest transitions."""
    aids = aids or Aids()
    repeating = repeat_share > 0.001
    if repeating:
        yield [
            {"repeats": True, "frequency": 0.0},
            {"repeats": True, "frequency": 1.0},
            {"repeats": True, "frequency": 4.0},
            {"repeats": False, "frequency": 0.0},
        ]
    yield _each("memory", 0.7, 1.5, 3.0, 6.0, 10.0, 20.0, 60.0)
    yield list(WINDOWS)
    yield _each("use_share", 0.1, 0.3, 0.5, 0.7, 1.0)
    yield _each("penalty", 30.0, 100.0, 300.0, 1000.0)
    yield _each("memory", 0.7, 1.5, 3.0, 6.0, 10.0, 20.0, 60.0)
    yield _each("markov_memory", 0.7, 2.0, 6.0, 20.0, 60.0)
    yield [{"markov_window": w, "markov_tau": t} for w, t in MARKOV_WINDOWS[: 2 if is_large else 3]]
    yield _each("markov", 0.0, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0)
    if repeating:
        yield _each("frequency_memory", 10.0, 50.0, 200.0, 1000.0)
        yield _each("frequency", 0.0, 0.3, 0.6, 1.0, 2.0, 4.0, 8.0)
    yield _each("popularity_age", 0.0, 0.03, 0.1, 0.3)
    yield _each("popularity", 0.001, 0.02, 0.05, 0.1, 0.2)
    if aids.content is not None:
        yield [{"content": w, "content_memory": m} for m in (5.0, 30.0) for w in (0.05, 0.15, 0.4)]
    if aids.context is not None:
        yield _each("context", 0.25, 0.5, 1.0, 1.5)
    if aids.profile is not None:
        yield _each("profile", 0.25, 0.5, 1.0)


def _each(name: str, *values: Any) -> list[Step]:
    return [{name: value} for value in values]


def search(trial: Trial, start: Settings, steps: Iterable[list[Step]]) -> Settings:
    """The best settings found; a step away from the present ones must gain more than half a paired standard error."""
    best, gains = start, trial.gains(start)
    for alternatives in steps:
        for step in alternatives:
            candidate = best.but(**step)
            if candidate == best:
                continue
            found = trial.gains(candidate)
            if is_better(found, gains):
                best, gains = candidate, found
    return best


def is_better(candidate: Array, present: Array) -> bool:
    difference = candidate - present
    if len(difference) < 2:
        return False
    error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
    return bool(float(difference.mean()) > max(LEAST_GAIN_IN_ERRORS * error, LEAST_GAIN * float(present.mean())))
