"""Next-item scores of a history: ridge for the head, Markov for all, own habits, popularity. Codes
in, scores out.

Each part is brought to a maximum of 1 per question, then weighed and added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories, Past, decay
from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.content import Content
from recdrop.recommender.parts.gram import Grams, Window, next_item_grams, use_gram
from recdrop.recommender.parts.habits import Habits, Returns
from recdrop.recommender.parts.markov import Rows, transitions
from recdrop.recommender.parts.ridge import solve
from recdrop.recommender.parts.sequence import SequenceNet

SMALLEST_WEIGHT = 0.01
MOST_REMEMBERED = 250
LEAST_EVENTS = 3
CHEAP_HEAD = 1500


@dataclass(frozen=True)
class Settings:
    """Everything that a validation search may choose. Decays are in events: those of the windows
    exponential, those of
    the memories as in `decay`."""

    tau: float = 5.0
    past: int = 20
    tau_next: float = 2.0
    next: int = 6
    use_share: float = 0.3
    penalty: float = 100.0
    memory: float = 10.0
    head: int = 4000
    repeats: bool = False
    markov_window: int = 20
    markov_tau: float = 8.0
    markov_memory: float = 5.0
    markov: float = 0.2
    tail: float = 0.3
    frequency: float = 0.0
    frequency_memory: float = 200.0
    popularity: float = 1e-3
    popularity_age: float = 0.0
    content: float = 0.0
    content_memory: float = 10.0
    context: float = 0.0
    profile: float = 0.0
    sequence: float = 0.0

    @property
    def window(self) -> Window:
        return Window(self.tau, self.past, self.tau_next, self.next)

    def but(self, **changes: Any) -> Settings:
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


@dataclass(frozen=True)
class Head:
    """The most popular items: `items` are their codes, ascending; `place` int32[all items] is the
    row, or -1.
    """

    items: Array
    place: Array


def choose_head(history: Histories, items: int, limit: int) -> Head:
    """At most `limit` items, those with the most events; ties by code. Rarer ones than LEAST_EVENTS
    only as far as they
    come cheaply: the solve is cubic, and little is to be learnt from one or two events."""
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


@dataclass(frozen=True)
class Engine:
    """`weights` float32[head, head]; `markov` rows of [items, items]; `popularity` float32[items],
    at most 1. `habits` are
    there where the settings weigh the own frequency."""

    settings: Settings
    head: Head
    weights: Array
    markov: Rows
    popularity: Array
    content: Content | None = None
    net: SequenceNet | None = None
    habits: Habits | None = None

    @property
    def items(self) -> int:
        return len(self.popularity)

    def scores(self, past: Past, tilt: Array | None = None) -> Array:
        """float32[items]; `tilt` float32[items] is the log of a factor on top."""
        total = self._parts(past) if len(past) else self.popularity.copy()
        return total if tilt is None else total * np.exp(tilt)

    def likeness(self, past: Past) -> Array:
        """float32[items]: how much the metadata of each item is like that of the newest events;
        zeros without any.
        """
        if self.content is None or not len(past):
            return np.zeros(self.items, dtype=np.float32)
        decayed = decay(past.steps, self.settings.content_memory) * past.weight
        keep = decayed > SMALLEST_WEIGHT
        return self.content.likeness(self.content.profile(past.item[keep], decayed[keep]))

    def _parts(self, past: Past) -> Array:
        """Only the places that a part says something of are touched: of a large catalogue these are
        few.
        """
        chosen = self.settings
        total = np.float32(chosen.popularity) * self.popularity
        _add(total, self.head.items, self._ridge(past), 1.0)
        if chosen.markov:
            place, followers = self._markov(past)
            # The ridge says nothing of items outside the head: there the transitions speak for it
            # too.
            outside = self.head.place[place] < 0
            _add(
                total,
                place,
                followers,
                np.float32(chosen.markov) + np.float32(chosen.tail) * outside,
            )
        if self.habits is not None:
            _add(total, *self.habits.scores(past, chosen.frequency_memory), chosen.frequency)
        if chosen.content:
            _add(total, slice(None), self.likeness(past), chosen.content)
        if chosen.sequence and self.net is not None:
            total[self.net.items] += self.net.scores(past.item, past.weight) * np.float32(
                chosen.sequence
            )
        return total

    def _ridge(self, past: Past) -> Array:
        rows, shares = _remembered(self.head.place[past.item], past, self.settings.memory)
        # einsum, not BLAS: a product this small is not worth waking the threads of a busy machine.
        found: Array = np.einsum("i,ij->j", shares, self.weights[rows])
        return found

    def _markov(self, past: Past) -> tuple[Array, Array]:
        """The codes that followed any of the items remembered, and how much."""
        rows, shares = _remembered(past.item, past, self.settings.markov_memory)
        followers = self.markov.weighted_sum(rows, shares, self.items)
        place = np.flatnonzero(followers > 0)
        return place, followers[place]


def _remembered(rows: Array, past: Past, memory: float) -> tuple[Array, Array]:
    """Distinct rows that are not -1, and the sum of their decayed weights; what is nearly forgotten
    is left out.
    """
    newest = slice(-MOST_REMEMBERED, None)
    decayed = decay(past.steps[newest], memory) * past.weight[newest]
    keep = (rows[newest] >= 0) & (decayed > SMALLEST_WEIGHT)
    distinct, place = np.unique(rows[newest][keep], return_inverse=True)
    return distinct, np.bincount(place, decayed[keep], minlength=len(distinct)).astype(np.float32)


def _add(total: Array, place: Array | slice, part: Array, share: float | Array) -> None:
    """Adds a part, brought to a maximum of 1, at places that are all different."""
    largest = float(part.max(initial=0))
    if largest > 0:
        total[place] += part * (np.float32(1 / largest) * np.asarray(share, dtype=np.float32))


@dataclass(frozen=True)
class Statistics:
    """What the ridge is solved from; adds up over disjoint users."""

    grams: Grams
    uses: Array

    def plus(self, other: Statistics) -> Statistics:
        return Statistics(self.grams.plus(other.grams), self.uses + other.uses)


def statistics(history: Histories, head: Head, window: Window) -> Statistics:
    return Statistics(next_item_grams(history, head.place, window), use_gram(history, head.place))


def solve_weights(found: Statistics, settings: Settings) -> Array:
    share = np.float32(settings.use_share)
    past = (1 - share) * found.grams.past + share * found.uses
    cross = (1 - share) * found.grams.cross + share * found.uses
    return solve(past, cross, settings.penalty, zero_diagonal=not settings.repeats)


def popularity(history: Histories, items: int, age: float = 0.0) -> Array:
    """float32[items], at most 1: weighted counts; with `age`, decayed by exp(-a / age) where `a`
    runs 0..1 backwards
    over the time span of the data."""
    weight = history.weight.astype(np.float64)
    if age and len(history):
        newest, span = history.timestamp.max(), max(1, int(np.ptp(history.timestamp)))
        weight = weight * np.exp(-(newest - history.timestamp) / (age * span))
    counts = np.bincount(history.item, weight, minlength=items)
    largest = counts.max() if len(counts) else 0.0
    found: Array = (counts / largest if largest > 0 else counts).astype(np.float32)
    return found


def train(
    history: Histories,
    items: int,
    settings: Settings,
    base: Base | None = None,
    content: Content | None = None,
    net: SequenceNet | None = None,
) -> Engine:
    """`base` holds the head and statistics of this history, when they were added up before."""
    found = base or Base.of(history, items, settings)
    weights = solve_weights(found.statistics, settings)
    popular = popularity(history, items, settings.popularity_age)
    habits = (
        Returns.of(history, items).habits(settings.frequency_memory) if settings.frequency else None
    )
    return Engine(
        settings,
        found.head,
        weights,
        markov_rows(history, items, settings),
        popular,
        content,
        net,
        habits,
    )


@dataclass(frozen=True)
class Base:
    """What a fit starts from.

    Kept from the users of the first fit, it becomes that of all users by adding the others.
    """

    head: Head
    statistics: Statistics
    settings: Settings

    @classmethod
    def of(cls, history: Histories, items: int, settings: Settings) -> Base:
        head = choose_head(history, items, settings.head)
        return cls(head, statistics(history, head, settings.window), settings)

    @property
    def is_full(self) -> bool:
        """The head is at its limit: a few more users would hardly change it."""
        return len(self.head.items) >= self.settings.head

    def plus(self, history: Histories) -> Base:
        more = statistics(history, self.head, self.settings.window)
        return Base(self.head, self.statistics.plus(more), self.settings)


def markov_rows(history: Histories, items: int, settings: Settings) -> Rows:
    if not settings.markov:
        return Rows.of(sparse.csr_matrix((items, items), dtype=np.float32))
    return Rows.of(
        transitions(history, items, window=settings.markov_window, tau=settings.markov_tau)
    )
