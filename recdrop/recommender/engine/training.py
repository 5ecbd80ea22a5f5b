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
    ground: Groundwork | None = None,
    content: Content | None = None,
    net: SequenceNet | None = None,
) -> Engine:
    """Makes the engine of a history with given settings.

    `ground` holds the head and statistics of this very history, when they were added up before.
    """
    found = ground or Groundwork.of(history, items, settings)
    habits = None
    if settings.frequency:
        habits = Returns.of(history, items).habits(settings.frequency_memory)
    return Engine(
        settings,
        found.head,
        weights=solve_weights(found.statistics, settings),
        markov=markov_rows(history, items, settings),
        popularity=popularity(history, items, settings.popularity_age),
        content=content,
        net=net,
        habits=habits,
    )


@dataclass(frozen=True)
class Groundwork:
    """What the ridge of a fit starts from: a head and the statistics over its items.

    Made of the users that the metrics are measured without, it becomes that of all users by adding
    those few: the pass over all events is made once.
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
        """The same head, with the events of users who were not in it."""
        more = statistics(history, self.head, self.settings.window)
        return Groundwork(self.head, self.statistics.plus(more), self.settings)


@dataclass(frozen=True)
class Statistics:
    """What the ridge is solved from; adds up over disjoint users. `uses` is float32[head, head]."""

    grams: Grams
    uses: Array

    def plus(self, other: Statistics) -> Statistics:
        return Statistics(self.grams.plus(other.grams), self.uses + other.uses)


def statistics(history: Histories, head: Head, window: Window) -> Statistics:
    """One pass over the events for each lag of the window, and one product for the uses."""
    return Statistics(next_item_grams(history, head.place, window), use_gram(history, head.place))


def solve_weights(found: Statistics, settings: Settings) -> Array:
    """float32[head, head]. Without repeats an item is not to predict itself."""
    # Order within the window and plain co-use over whole histories both tell what goes together:
    # between them, `use_share` decides.
    share = np.float32(settings.use_share)
    past = (1 - share) * found.grams.past + share * found.uses
    cross = (1 - share) * found.grams.cross + share * found.uses
    return solve(past, cross, settings.penalty, zero_diagonal=not settings.repeats)


def markov_rows(history: Histories, items: int, settings: Settings) -> Rows:
    """The transitions of a history, or rows of nothing where they weigh nothing."""
    if not settings.markov:
        return Rows.of(sparse.csr_matrix((items, items), dtype=np.float32))
    return Rows.of(
        transitions(history, items, window=settings.markov_window, tau=settings.markov_tau)
    )
