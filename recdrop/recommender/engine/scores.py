"""The scores of a user's next items: every part of the engine, weighed and added.

Codes in, scores out. Each part is brought to a maximum of 1 per question, so that one weight fits
all questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Past, decay
from recdrop.recommender.data.records import Array
from recdrop.recommender.data.rows import Rows
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.parts.content import Content
from recdrop.recommender.parts.habits import Habits
from recdrop.recommender.parts.head import Head
from recdrop.recommender.parts.sequence import SequenceNet

# An event this much decayed changes no answer, but costs a row of the matrix.
SMALLEST_WEIGHT = 0.01
MOST_REMEMBERED = 250
# Items without events are told apart also where metadata weighs nothing.
LEAST_COLD = 1e-3


@dataclass(frozen=True)
class Engine:
    """Everything that scores are made of.

    `weights` is float32[head, head], from an item had to an item to come; `markov` holds the rows of
    [items, items]; `popularity` is float32[items], at most 1. `habits` are there where the settings
    weigh them.
    """

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

    def arrays(self) -> dict[str, Array]:
        """As they lie in a model file; an optional part that is missing has no arrays there."""
        content = {} if self.content is None else self.content.features.arrays("content")
        net = {} if self.net is None else self.net.arrays("sequence")
        habits = {} if self.habits is None else self.habits.arrays("habits")
        return {
            "head_items": self.head.items,
            "head_place": self.head.place,
            "weights": self.weights,
            "popularity": self.popularity,
            **self.markov.arrays("markov"),
            **content,
            **net,
            **habits,
            "content_columns": np.array([self.content.columns if self.content else 0]),
        }

    @classmethod
    def from_arrays(cls, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Engine:
        columns = int(arrays["content_columns"][0])
        has_net, has_habits = "sequence_items" in arrays, "habits_item" in arrays
        return cls(
            Settings.from_dict(settings),
            Head(arrays["head_items"], arrays["head_place"]),
            arrays["weights"],
            Rows.from_arrays(arrays, "markov"),
            arrays["popularity"],
            Content(Rows.from_arrays(arrays, "content"), columns) if columns else None,
            SequenceNet.from_arrays(arrays, "sequence") if has_net else None,
            Habits.from_arrays(arrays, "habits") if has_habits else None,
        )

    def scores(self, past: Past, tilt: Array | None = None) -> Array:
        """float32[items], for any past; an empty one has the popularity.

        `tilt` float32[items] is the log of a factor on top, from context and user metadata.
        """
        total = self._parts(past) if len(past) else self.popularity.copy()
        return total if tilt is None else total * np.exp(tilt)

    def likeness(self, past: Past) -> Array:
        """float32[items]: how much each item's metadata is like that of the events, as of new items.

        Zeros without metadata or events.
        """
        if self.content is None or not len(past):
            return np.zeros(self.items, dtype=np.float32)
        return self.content.likeness(_profile(self.content, past, self.settings.cold_memory))

    @cached_property
    def _unused(self) -> tuple[Array, sparse.csr_matrix] | None:
        """The codes of the items without events, and their metadata; None where there are none."""
        codes = np.flatnonzero(self.popularity == 0)
        if self.content is None or not len(codes):
            return None
        return codes, self.content.features.matrix(self.content.columns)[codes]

    def _parts(self, past: Past) -> Array:
        """The weighed sum of all parts.

        Each part touches only the places that it says something of: of a large catalogue these are few.
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
        if self.content is not None and chosen.content:
            profile = _profile(self.content, past, chosen.content_memory)
            like = self.content.likeness(profile)
            if self._unused is not None:
                like[self._unused[0]] = 0
            _add(total, slice(None), like, chosen.content)
        if self.content is not None and self._unused is not None:
            # Of items without events nothing else speaks, and they have a memory of their own.
            codes, features = self._unused
            like = features @ _profile(self.content, past, chosen.cold_memory)
            _add(total, codes, like, chosen.content + LEAST_COLD)
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


def _profile(content: Content, past: Past, memory: float) -> Array:
    """The metadata of what is remembered, float32[columns]."""
    newest = slice(-MOST_REMEMBERED, None)
    decayed = decay(past.steps[newest], memory) * past.weight[newest]
    keep = decayed > SMALLEST_WEIGHT
    return content.profile(past.item[newest][keep], decayed[keep])


def _remembered(rows: Array, past: Past, memory: float) -> tuple[Array, Array]:
    """The distinct rows of what is remembered, and the sum of their decayed weights, float32.

    Rows of -1 and what is nearly forgotten are left out.
    """
    # A power has a long tail: without this bound a history of ten years would be summed each time.
    newest = slice(-MOST_REMEMBERED, None)
    decayed = decay(past.steps[newest], memory) * past.weight[newest]
    keep = (rows[newest] >= 0) & (decayed > SMALLEST_WEIGHT)
    distinct, place = np.unique(rows[newest][keep], return_inverse=True)
    return distinct, np.bincount(place, decayed[keep], minlength=len(distinct)).astype(np.float32)


def _add(total: Array, place: Array | slice, part: Array, share: float | Array) -> None:
    """Adds a part, brought to a maximum of 1, at places that are all different."""
    largest = float(part.max(initial=0))
    # A part that says nothing of this question stays out of it.
    if largest > 0:
        total[place] += part * (np.float32(1 / largest) * np.asarray(share, dtype=np.float32))
