"""Held-out users.

The newest tenth of each one's events is the truth; the older ones are what is known of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recdrop.recommender.data.histories import Histories, concatenate, offsets
from recdrop.recommender.data.records import Array

TRUTH_SHARE = 0.1
EARLIER_ENDS = (0.9, 0.8, 0.7, 0.6)
LONG = 10  # events from which on earlier tenths of a history are worth asking for


@dataclass(frozen=True)
class Cases:
    """Questions with their answers.

    `known` has one user per question; the truth of question q is `truth[starts[q]:starts[q + 1]]`.
    `first_row` is the data row of the first true event of each question: its context is what the
    question is asked in. `seconds` holds the time of that event.
    """

    known: Histories
    starts: Array
    truth: Array
    first_row: Array
    seconds: Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    def truths(self) -> list[Array]:
        """The item codes of the truth of each question."""
        return [self.truth[self.starts[q] : self.starts[q + 1]] for q in range(len(self))]


def draw_users(history: Histories, share: float, limit: int, rng: np.random.Generator) -> Array:
    """A seeded sample of the users with at least two events.

    That is round(share of them), at least one, at most `limit`.
    """
    candidates = np.flatnonzero(np.diff(history.indptr) >= 2)
    size = min(limit, max(1, round(share * len(candidates))), len(candidates))
    return np.sort(rng.choice(candidates, size, replace=False))


def hold_out(
    history: Histories, users: Array, share: float = TRUTH_SHARE, end: float = 1.0
) -> Cases:
    """Cases of `users`. With `end` below 1 only that oldest share of each history is looked at."""
    taken = history.take_users(users)
    sizes = np.diff(taken.indptr)
    # How much of each history is looked at: two events at least, one to know and one to ask for,
    # but never more than there are.
    lengths = np.maximum(2, np.round(sizes * end)).astype(np.int64)
    lengths = np.minimum(lengths, sizes)
    true = np.maximum(1, np.round(lengths * share)).astype(np.int64)
    # By event: its place in its own history, where the truth begins there, and where it ends.
    position = np.arange(len(taken)) - np.repeat(taken.indptr[:-1], sizes)
    cut = np.repeat(lengths - true, sizes)
    stop = np.repeat(lengths, sizes)
    truth = taken.take_events((position >= cut) & (position < stop))
    return Cases(
        taken.take_events(position < cut),
        offsets(np.diff(truth.indptr)),
        truth.item,
        truth.row[truth.indptr[:-1]],
        truth.timestamp[truth.indptr[:-1]],
    )


def join(first: Cases, second: Cases) -> Cases:
    """The questions of the first, then those of the second."""
    return Cases(
        concatenate(first.known, second.known),
        np.concatenate([first.starts, second.starts[1:] + first.starts[-1]]),
        np.concatenate([first.truth, second.truth]),
        np.concatenate([first.first_row, second.first_row]),
        np.concatenate([first.seconds, second.seconds]),
    )
