"""Scores settings on validation questions as the engine would, for all questions at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories, decay, steps_back
from recdrop.recommender.data.records import Array
from recdrop.recommender.data.split import Cases
from recdrop.recommender.engine.scores import MOST_REMEMBERED, SMALLEST_WEIGHT
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.training import Statistics, markov_rows, solve_weights, statistics
from recdrop.recommender.parts.content import Content
from recdrop.recommender.parts.gram import Window
from recdrop.recommender.parts.habits import Owned, Returns
from recdrop.recommender.parts.head import choose_head, most_used
from recdrop.recommender.parts.popularity import popularity
from recdrop.recommender.parts.ranking import top_each
from recdrop.recommender.parts.sequence import SequenceNet

CUTOFF = 10
# Items in a list to be ranked, beside the truth.
RANKED = 100


@dataclass(frozen=True)
class Aids:
    """What metadata and context offer.

    The tilts are float32[questions, items]: logs of factors, taken at given items.
    """

    content: Content | None = None
    context: Callable[[Array], Array] | None = None
    profile: Callable[[Array], Array] | None = None


class Trial:
    """Scores settings on fixed questions as the engine would, all questions at once.

    It looks at as many of the most used items as `scores` (questions x items) allows. Parts are
    cached by the settings they depend on: a step that moves a weight costs one addition.

    With `drawn` the questions are those of ranking: of each, the truth and `ranked` items drawn by
    use are looked at, and no others.
    """

    def __init__(
        self,
        history: Histories,
        cases: Cases,
        items: int,
        *,
        head: int,
        scores: int,
        aids: Aids | None = None,
        drawn: np.random.Generator | None = None,
        ranked: int = RANKED,
    ) -> None:
        self._history = history
        self._items = items
        counts = np.bincount(history.item, minlength=items)
        self._seen_at = most_used(counts, max(head, scores // max(1, len(cases))))
        self._columns = self._seen_at.items
        self._head = choose_head(history, items, head)
        self._in_head = self._head.place[self._columns] >= 0
        self._known = cases.known
        self._steps = steps_back(cases.known.indptr, cases.known.tied)
        self._aids = aids = aids or Aids()
        # Logs of factors on the score of each item looked at, fixed for the trial.
        self._context = aids.context(self._columns) if aids.context else None
        self._profile = aids.profile(self._columns) if aids.profile else None
        self._truth = self._truth_matrix(cases)
        self._ideal = _ideal(self._truth.sum(axis=1))
        self._seen = (self._history_matrix(None)[:, self._columns]).toarray() > 0
        self._others = None if drawn is None else self._outside_lists(counts, ranked, drawn)
        self._sequence: Array | None = None
        # Per trial, not per class: the caches die with it. Each holds what the neighbouring steps of a
        # search need; these arrays are large.
        self.statistics = lru_cache(maxsize=3)(self._statistics)
        self.weights = lru_cache(maxsize=2)(self._weights)
        self.ridge = lru_cache(maxsize=2)(self._ridge)
        self.transitions = lru_cache(maxsize=3)(self._transitions)
        self.markov = lru_cache(maxsize=2)(self._markov)
        self.frequency = lru_cache(maxsize=2)(self._frequency)
        self.popularity = lru_cache(maxsize=6)(self._popularity)
        self.content = lru_cache(maxsize=2)(self._content)

    def gains(self, settings: Settings) -> Array:
        """NDCG@10 per question, float64[questions with a true item among those looked at]."""
        total = self.scores(settings)
        if self._others is not None:
            total[self._others] = -np.inf
        elif not settings.repeats:
            # The engine does not recommend these either.
            total[self._seen] = -np.inf
        return _ndcg(total, self._truth, self._ideal)

    def scores(self, s: Settings) -> Array:
        """float32[questions, items looked at]."""
        # A copy: what is cached must not be added to.
        total = self.ridge(s.window, s.use_share, s.penalty, s.repeats, s.memory).copy()
        if s.markov:
            followers = self.markov(s.markov_window, s.markov_tau, s.markov_memory)
            total += np.float32(s.markov) * followers
            if s.tail and not self._in_head.all():
                total += np.float32(s.tail) * np.where(self._in_head, np.float32(0), followers)
        if s.frequency:
            total += np.float32(s.frequency) * self.frequency(s.frequency_memory)
        total += np.float32(s.popularity) * self.popularity(s.popularity_age)
        if s.content:
            total += np.float32(s.content) * self.content(s.content_memory)
        if s.sequence and self._sequence is not None:
            total += np.float32(s.sequence) * self._sequence
        return self._tilted(total, s)

    def add_sequence(self, net: SequenceNet) -> None:
        """One part more, for settings that weigh it."""
        place = self._seen_at.place[net.items]
        self._sequence = np.zeros(self._seen.shape, dtype=np.float32)
        self._sequence[:, place[place >= 0]] = net.scores_each(self._known)[:, place >= 0]

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

    def _ridge(
        self, window: Window, use_share: float, penalty: float, repeats: bool, memory: float
    ) -> Array:
        found = np.zeros(self._seen.shape, dtype=np.float32)
        remembered = self._history_matrix(memory)[:, self._head.items]
        found[:, self._in_head] = _scaled(
            remembered @ self.weights(window, use_share, penalty, repeats)
        )
        return found

    def _transitions(self, window: int, tau: float) -> sparse.csr_matrix:
        rows = markov_rows(
            self._history, self._items, Settings(markov_window=window, markov_tau=tau)
        )
        return sparse.csr_matrix(rows.matrix(self._items)[:, self._columns])

    def _markov(self, window: int, tau: float, memory: float) -> Array:
        return _scaled((self._history_matrix(memory) @ self.transitions(window, tau)).toarray())

    def _frequency(self, memory: float) -> Array:
        user, item = np.divmod(self._owned.key, self._items)
        likely = self._returns.habits(memory).of(self._owned, item, memory)
        own = sparse.csr_matrix((likely, (user, item)), shape=(self._known.users, self._items))
        return _scaled(own[:, self._columns].toarray())

    @cached_property
    def _returns(self) -> Returns:
        return Returns.of(self._history, self._items)

    @cached_property
    def _owned(self) -> Owned:
        return Owned.each(self._known, self._items)

    def _popularity(self, age: float) -> Array:
        return popularity(self._history, self._items, age)[self._columns]

    def _content(self, memory: float) -> Array:
        content = self._aids.content
        if content is None:
            return np.zeros((1, len(self._columns)), dtype=np.float32)
        features = content.features.matrix(content.columns)
        return _scaled(
            (self._history_matrix(memory) @ features @ features[self._columns].T).toarray()
        )

    def _history_matrix(self, memory: float | None) -> sparse.csr_matrix:
        return history_matrix(self._known, self._steps, self._items, memory)

    def _outside_lists(self, counts: Array, ranked: int, rng: np.random.Generator) -> Array:
        """bool[questions, items looked at]: what is in no list to be ranked.

        A list holds the truth and `ranked` items drawn by use, as shops rank what others want as well.
        Items had before are not among those drawn: who ranks wants something new on top.
        """
        used = counts[self._columns].astype(np.float64)
        drawn = rng.choice(len(used), (len(self._truth), ranked), p=used / used.sum())
        listed = np.zeros(self._truth.shape, dtype=bool)
        np.put_along_axis(listed, drawn, True, axis=1)
        listed &= ~self._seen
        found: Array = ~(listed | self._truth)
        return found

    def _truth_matrix(self, cases: Cases) -> Array:
        """bool[questions, items looked at]: what is right; truths beyond these items are lost."""
        found = np.zeros((len(cases), len(self._columns)), dtype=bool)
        row = np.repeat(np.arange(len(cases)), np.diff(cases.starts))
        column = self._seen_at.place[cases.truth]
        found[row[column >= 0], column[column >= 0]] = True
        return found


class Unseen:
    """Scores the order of items that nobody has had, by their metadata alone.

    Some items are hidden: no question knows an event of theirs, and only they are looked at.
    """

    def __init__(self, cases: Cases, items: int, content: Content, hidden: Array) -> None:
        known = cases.known
        self._known = known.take_events(~np.isin(known.item, hidden))
        self._steps = steps_back(self._known.indptr, self._known.tied)
        self._items = items
        self._features = content.features.matrix(content.columns)
        self._hidden = hidden
        seen = history_matrix(known, np.empty(0), items, None)[:, hidden].toarray() > 0
        place = np.full(items, -1)
        place[hidden] = np.arange(len(hidden))
        row = np.repeat(np.arange(len(cases)), np.diff(cases.starts))
        column = place[cases.truth]
        self._truth = np.zeros((len(cases), len(hidden)), dtype=bool)
        self._truth[row[column >= 0], column[column >= 0]] = True
        # What was had before is no question of what is new.
        self._open = ~seen
        self._truth &= self._open

    def gains(self, settings: Settings) -> Array:
        """NDCG@10 per question, float64[questions with a hidden item to find]."""
        had = history_matrix(self._known, self._steps, self._items, settings.cold_memory)
        like = (had @ self._features @ self._features[self._hidden].T).toarray()
        scores = np.where(self._open, like, -np.inf)
        return _ndcg(scores, self._truth, _ideal(self._truth.sum(axis=1)))


def history_matrix(
    known: Histories, steps: Array, items: int, memory: float | None
) -> sparse.csr_matrix:
    """CSR [questions, items]: decayed weights of the known events; plain weights without `memory`.

    With it, what is nearly forgotten is left out, as the engine does.
    """
    weight = known.weight if memory is None else known.weight * decay(steps, memory)
    keep = np.ones(len(known), dtype=bool)
    if memory is not None:
        left = np.repeat(known.indptr[1:], np.diff(known.indptr)) - np.arange(len(known))
        keep = (weight > SMALLEST_WEIGHT) & (left <= MOST_REMEMBERED)
    cells = (weight[keep], (known.user_of_event()[keep], known.item[keep]))
    return sparse.csr_matrix(cells, shape=(known.users, items), dtype=np.float32)


def _scaled(part: Array) -> Array:
    """Every row brought to a maximum of 1, as the engine does for each part."""
    largest = part.max(axis=1, keepdims=True) if part.size else np.ones((len(part), 1))
    found: Array = (part / np.where(largest > 0, largest, 1)).astype(np.float32)
    return found


def _ideal(relevant: Array) -> Array:
    """The DCG of a perfect answer, for float64[questions] numbers of relevant items."""
    sums = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(CUTOFF) + 2))])
    found: Array = sums[np.minimum(relevant, CUTOFF)]
    return found


def _ndcg(scores: Array, truth: Array, ideal: Array) -> Array:
    """float64[questions with a true item]: the standard NDCG of the best items of each row."""
    width = min(CUTOFF, scores.shape[1])
    hits = np.take_along_axis(truth, top_each(scores, width), axis=1)
    asked = ideal > 0
    found: Array = (hits / np.log2(np.arange(width) + 2)).sum(axis=1)[asked] / ideal[asked]
    return found
