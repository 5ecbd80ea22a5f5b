"""How likely an item of one's own comes again.

Its decayed frequency, times what is usual after so many times and so long, times what is usual for
the item: some things are had once a week, others twice and never again. These lifts are ratios of
what came again to what the frequency alone expected, shrunken towards 1. They are counted at
several times in the past of each user, over the tenth of the history that came next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from recdrop.recommender.data.histories import Histories, Past, decay, steps_back
from recdrop.recommender.data.records import Array
from recdrop.recommender.data.split import EARLIER_ENDS, LONG, Cases, hold_out, join

# 13 bands of half doublings reach to 64 times, 25 to 4,096 events since.
BANDS_PER_DOUBLING = 2
COUNT_BANDS = 13
GAP_BANDS = 25
PRIOR = 5.0
MOST_EVENTS = 2_000_000


@dataclass(frozen=True)
class Habits:
    """Lifts by how often and how lately an item was had, and by item.

    `by_band` is float32[COUNT_BANDS * GAP_BANDS], `by_item` float32[items].
    """

    by_band: Array
    by_item: Array

    def scores(self, past: Past, memory: float) -> tuple[Array, Array]:
        """The distinct items of a history, and how likely each comes again, float32."""
        owned = Owned.of(past.item.astype(np.int64), past.weight, past.steps)
        return owned.key, self.of(owned, owned.key, memory)

    def of(self, owned: Owned, item: Array, memory: float) -> Array:
        """float32[owned]; `item` are their codes."""
        found: Array = owned.frequency(memory) * self.by_band[owned.band] * self.by_item[item]
        return found.astype(np.float32, copy=False)

    def arrays(self, prefix: str) -> dict[str, Array]:
        return {f"{prefix}_band": self.by_band, f"{prefix}_item": self.by_item}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], prefix: str) -> Habits:
        return cls(arrays[f"{prefix}_band"], arrays[f"{prefix}_item"])


@dataclass(frozen=True)
class Owned:
    """The distinct keys of a list of events, with how each was had.

    `key` is int64, ascending; `place` leads from each event to its key; `band` int64[keys] says how
    often and how lately the key was had.
    """

    key: Array
    place: Array
    weight: Array
    steps: Array
    band: Array

    @classmethod
    def of(cls, key: Array, weight: Array, steps: Array) -> Owned:
        """From the key, weight and steps back of each event; oldest first within a key."""
        distinct, place = np.unique(key, return_inverse=True)
        gap = np.zeros(len(distinct), dtype=np.float32)
        gap[place] = steps  # the newest of each key is written last
        count = np.bincount(place, minlength=len(distinct))
        # Two bands in one number: so often, and so lately.
        band = _bands(count, COUNT_BANDS) * GAP_BANDS + _bands(gap + 1, GAP_BANDS)
        return cls(distinct, place, weight, steps, band)

    @classmethod
    def each(cls, known: Histories, items: int) -> Owned:
        """Of every user: the key is `user * items + item`."""
        key = known.user_of_event().astype(np.int64) * items + known.item
        return cls.of(key, known.weight, steps_back(known.indptr, known.tied))

    def frequency(self, memory: float) -> Array:
        """float64[keys]: the sum of the decayed weights of the events of each key."""
        return np.bincount(
            self.place, decay(self.steps, memory) * self.weight, minlength=len(self.key)
        )


def _bands(values: Array, most: int) -> Array:
    """Half doublings: 1, 1.4, 2, 2.8, 4, ... Whether something was had 40 or 50 times matters little."""
    found: Array = np.minimum(BANDS_PER_DOUBLING * np.log2(values), most - 1).astype(np.int64)
    return found


@dataclass(frozen=True)
class Returns:
    """What users had at several times in the past, and whether it came again.

    `user` and `item` are of each owned key, `came` is 1 where the key was in the next tenth.
    """

    owned: Owned
    user: Array
    item: Array
    came: Array
    items: int

    @classmethod
    def of(cls, history: Histories, items: int) -> Returns:
        """Of at most MOST_EVENTS events, of every so-manieth user."""
        step = -(-len(history) // MOST_EVENTS)
        cases = _cuts(
            history.take_users(np.arange(0, history.users, step)) if step > 1 else history
        )
        owned = Owned.each(cases.known, items)
        true = np.repeat(np.arange(len(cases)), np.diff(cases.starts)) * items + cases.truth
        return cls(
            owned,
            owned.key // items,
            owned.key % items,
            np.isin(owned.key, true).astype(np.float64),
            items,
        )

    def habits(self, memory: float) -> Habits:
        """Lifts on a frequency of this memory."""
        expected = self._expected(self.owned.frequency(memory))
        by_band = self._lifts(self.owned.band, expected, COUNT_BANDS * GAP_BANDS)
        # The item is judged on top of its band: what is left over is its own.
        by_item = self._lifts(
            self.item, self._expected(expected * by_band[self.owned.band]), self.items
        )
        return Habits(by_band, by_item)

    def _expected(self, amount: Array) -> Array:
        """What the amount alone would foretell, float64[keys].

        In proportion to the amount, and in sum as much for each user as did come again: a user who buys
        much does not count as a sign of habit.
        """
        came, total = np.bincount(self.user, self.came), np.bincount(self.user, amount)
        found: Array = amount * (came / np.maximum(total, 1e-9))[self.user]
        return found

    def _lifts(self, code: Array, expected: Array, size: int) -> Array:
        """float32[size]: what came again over what was expected, by code, with PRIOR of both added."""
        came, usual = (
            np.bincount(code, self.came, minlength=size),
            np.bincount(code, expected, minlength=size),
        )
        return ((came + PRIOR) / (usual + PRIOR)).astype(np.float32)


def _cuts(history: Histories) -> Cases:
    """Everyone's last tenth, and of long histories the tenths before it."""
    lengths = np.diff(history.indptr)
    long = np.flatnonzero(lengths >= LONG)
    return reduce(
        join,
        (hold_out(history, long, end=end) for end in EARLIER_ENDS),
        hold_out(history, np.flatnonzero(lengths >= 2)),
    )
