"""Exploration: which items are new, and which slots of an answer they get.

Deterministic under a seed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recdrop.recommender.data.records import MULTI_VALUE_SEPARATOR, Array, TrainingData
from recdrop.recommender.parts.content import CREATION

DAY = 86_400.0
# New is what has at most so many events; a fair trial is so many impressions.
MOST_TAKEN = 10
FAIR_TRIAL = 30
MOST_SLOTS = 0.8


@dataclass(frozen=True)
class Novelty:
    """What is known of the age and the use of each item.

    `created` are seconds, `taken` events, `shown` impressions; `newest` is the time of the newest
    event. Age is measured in the time of the data: an old export does not make everything old.
    """

    created: Array
    taken: Array
    shown: Array
    newest: float

    def is_new(self, cut_off_days: float) -> Array:
        """bool[items]: young, little used, and not one that was shown often without being taken."""
        young = self.newest - self.created <= cut_off_days * DAY
        refused = (self.shown >= FAIR_TRIAL) & (self.taken < self.shown * self._usual_rate() / 4)
        found: Array = young & (self.taken <= MOST_TAKEN) & ~refused
        return found

    def chance(self, rng: np.random.Generator, items: Array) -> Array:
        """One draw per item from what is known of its rate.

        Thompson sampling: the rate is Beta(1 + taken, 1 + refused), so an item of which little is known
        is sometimes drawn high, and one that was refused hardly ever.
        """
        taken = self.taken[items].astype(np.float64)
        refused = np.maximum(0, self.shown[items] - taken)
        # Most new items were neither taken nor refused, and Beta(a, 1) is U^(1/a): one uniform draw
        # for all, and the dearer Beta only where something was refused.
        drawn: Array = rng.random(len(items))
        used = np.flatnonzero(taken)
        drawn[used] **= 1 / (1 + taken[used])
        tried = np.flatnonzero(refused)
        drawn[tried] = rng.beta(1 + taken[tried], 1 + refused[tried])
        return drawn

    def _usual_rate(self) -> float:
        """The share of impressions that were taken, over all items that were shown."""
        shown = float(self.shown.sum())
        return float(self.taken[self.shown > 0].sum()) / shown if shown else 0.0

    def arrays(self) -> dict[str, Array]:
        times = {"created": self.created, "newest": np.array([self.newest])}
        return {**times, "taken": self.taken, "shown": self.shown}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Novelty:
        return cls(arrays["created"], arrays["taken"], arrays["shown"], float(arrays["newest"][0]))


def novelty(data: TrainingData, first_seen: Array | None = None) -> Novelty:
    """Counts events and impressions, and finds when each item was created.

    That is its own creation time, else its first event, else when it was first seen, else now.
    """
    items = len(data.item_ids)
    newest = float(data.timestamp.max()) if len(data) else 0.0
    # From the weakest source to the strongest, each over the one before where it knows something.
    created = np.full(items, newest)
    first_event = np.full(items, np.inf)
    np.minimum.at(first_event, data.item, data.timestamp.astype(np.float64))
    first_event[np.isinf(first_event)] = np.nan
    own = next((column for name, column in data.items.items() if name.upper() == CREATION), None)
    for times in (first_seen, first_event, None if own is None else own.values):
        if times is not None:
            known = times.astype(np.float64)
            created = np.where(np.isnan(known), created, known)
    taken = np.bincount(data.item, minlength=items).astype(np.int32)
    return Novelty(created, taken, _shown(data), newest)


def _shown(data: TrainingData) -> Array:
    """int32[items]: how often each item was in the impressions."""
    counts = np.zeros(len(data.item_ids), dtype=np.int32)
    if data.impressions is None:
        return counts
    codes = {identifier: code for code, identifier in enumerate(data.item_ids.tolist())}
    for value in data.impressions:
        for part in () if value is None else str(value).split(MULTI_VALUE_SEPARATOR):
            if part in codes:
                counts[codes[part]] += 1
    return counts


def slots(n: int, weight: float, rng: np.random.Generator) -> Array:
    """Positions for new items: each with probability weight squared.

    0 is none, 0.3 some 2 of 25, 1 most of them.
    """
    # Squared, so that the usual weight of 0.3 costs an answer two places, not eight; never all of it.
    share = min(MOST_SLOTS, max(0.0, weight) ** 2)
    return np.flatnonzero(rng.random(n) < share)


def generator(seed: int, *parts: str) -> np.random.Generator:
    """The same question under the same seed draws the same numbers."""
    return np.random.default_rng(
        [seed & 0xFFFFFFFF, *(zlib.crc32(part.encode()) for part in parts)]
    )
