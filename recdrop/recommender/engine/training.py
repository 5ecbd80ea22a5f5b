"""Makes an engine from histories: add up statistics, solve the ridge, count the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array
from recdrop.recommender.data.rows import Rows
from recdrop.recommender.engine.scores import Engine
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.parts.content import Content
from recdrop.recommender.parts.gram import Grams, Window, next_item_grams, use_gram
from recdrop.recommender.parts.habits import Returns
from recdrop.recommender.parts.head import Head, choose_head
from recdrop.recommender.parts.markov import transitions
from recdrop.recommender.parts.popularity import popularity
from recdrop.recommender.parts.ridge import solve
from recdrop.recommender.parts.sequence import SequenceNet


def train(
    history: Histories,
    items: int,
    settings: Settings,
    base: Groundwork | None = None,
    content: Content | None = None,
    net: SequenceNet | None = None,
) -> Engine:
    """`base` holds the head and statistics of this history, when they were added up before."""
    found = base or Groundwork.of(history, items, settings)
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
class Groundwork:
    """What a fit starts from.

    Kept from the users of the first fit, it becomes that of all users by adding the others.
    """

    head: Head
    statistics: Statistics
    settings: Settings

    @classmethod
    def of(cls, history: Histories, items: int, settings: Settings) -> Groundwork:
        head = choose_head(history, items, settings.head)
        return cls(head, statistics(history, head, settings.window), settings)

    @property
    def is_full(self) -> bool:
        """The head is at its limit: a few more users would hardly change it."""
        return len(self.head.items) >= self.settings.head

    def plus(self, history: Histories) -> Groundwork:
        more = statistics(history, self.head, self.settings.window)
        return Groundwork(self.head, self.statistics.plus(more), self.settings)


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


def markov_rows(history: Histories, items: int, settings: Settings) -> Rows:
    if not settings.markov:
        return Rows.of(sparse.csr_matrix((items, items), dtype=np.float32))
    return Rows.of(
        transitions(history, items, window=settings.markov_window, tau=settings.markov_tau)
    )
