"""A small attention model over the newest events, answered in plain numpy.

What `neural` trains is served without torch. One pre-norm transformer block per net; only the
newest position asks, so an answer costs one product with the item vectors. Its shape is SASRec's
(Kang and McAuley 2018, arXiv:1808.09781) with learned biases by lag (as in arXiv:2108.12409) for
positions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array

EPSILON = 1e-5
LEAST_WEIGHT = 1e-6
SHARPNESS = 0.5
Weights = Mapping[str, Array]
NAMES = (
    "item",
    "bias",
    "lag",
    "before_scale",
    "before_shift",
    "ask",
    "offer",
    "give",
    "mix",
    "inner_scale",
    "inner_shift",
    "wide",
    "wide_bias",
    "narrow",
    "narrow_bias",
    "after_scale",
    "after_shift",
)


@dataclass(frozen=True)
class SequenceNet:
    """One or more trained nets over the same items; their answers are averaged.

    `items` are the codes covered, ascending. Each net has the float32 arrays of `NAMES`, with d the
    width: item [covered, d], bias [covered], lag [heads, window], ask, offer, give, mix [d, d], wide
    [d, 2d], narrow [2d, d], the others [d] (wide_bias [2d]). Without `repeats` the items of the
    history score 0.
    """

    items: Array
    nets: tuple[Weights, ...]
    repeats: bool

    def scores(self, item: Array, weight: Array) -> Array:
        """float32[covered], at most 1, for a history of item codes, oldest first.

        Zeros when none of it is covered.
        """
        place, kept = self._covered(item, weight)
        if not len(place):
            return np.zeros(len(self.items), dtype=np.float32)
        logits = sum(net["item"] @ last_hidden(net, place, kept) + net["bias"] for net in self.nets)
        return self._shares(np.asarray(logits), place)

    def scores_each(self, known: Histories) -> Array:
        """float32[questions, covered]: the same for every user of `known`."""
        found = np.zeros((known.users, len(self.items)), dtype=np.float32)
        spans = [known.of(user) for user in range(known.users)]
        covered = [self._covered(known.item[span], known.weight[span]) for span in spans]
        asked = np.array(
            [user for user, (place, _) in enumerate(covered) if len(place)], dtype=np.int64
        )
        for net in self.nets if len(asked) else ():
            hidden = np.stack([last_hidden(net, *covered[user]) for user in asked])
            found[asked] += hidden @ net["item"].T + net["bias"]
        for user in asked:
            found[user] = self._shares(found[user], covered[user][0])
        return found

    def arrays(self, prefix: str) -> dict[str, Array]:
        shape = np.array([len(self.nets), int(self.repeats)], dtype=np.int32)
        named = {
            f"{prefix}_{at}_{name}": net[name] for at, net in enumerate(self.nets) for name in NAMES
        }
        return {f"{prefix}_items": self.items, f"{prefix}_shape": shape, **named}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], prefix: str) -> SequenceNet:
        count, repeats = arrays[f"{prefix}_shape"].tolist()
        nets = tuple(
            {name: arrays[f"{prefix}_{at}_{name}"] for name in NAMES} for at in range(count)
        )
        return cls(arrays[f"{prefix}_items"], nets, bool(repeats))

    def moved(self, codes: Array) -> SequenceNet:
        """The same net where item `i` now has the code `codes[i]`, or is gone (-1)."""
        moved = codes[self.items]
        order = np.argsort(moved, kind="stable")
        order = order[moved[order] >= 0]
        nets = tuple(
            {**net, "item": net["item"][order], "bias": net["bias"][order]} for net in self.nets
        )
        return SequenceNet(moved[order].astype(np.int32), nets, self.repeats)

    def _covered(self, item: Array, weight: Array) -> tuple[Array, Array]:
        """Places in `items` of the covered events that count, and their weights."""
        if not len(self.items):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        place = np.searchsorted(self.items, item).clip(0, len(self.items) - 1)
        keep = (self.items[place] == item) & (weight > LEAST_WEIGHT)
        return place[keep], weight[keep]

    def _shares(self, logits: Array, place: Array) -> Array:
        """The nets' mean chances to the power SHARPNESS, the largest 1.

        Of all transforms tried the one that mixes best with the other parts (docs/research.md).
        """
        if not self.repeats:
            logits[place] = -np.inf
        largest = logits.max()
        if not np.isfinite(largest):
            return np.zeros(len(logits), dtype=np.float32)
        found: Array = np.exp(np.float32(SHARPNESS / len(self.nets)) * (logits - largest))
        return found.astype(np.float32, copy=False)


def last_hidden(net: Weights, place: Array, weight: Array) -> Array:
    """float32[d]: what the newest event makes of the window that ends with it.

    Low weights are attended to less.
    """
    heads, window = net["lag"].shape
    place, weight = place[-window:], weight[-window:]
    events = net["item"][place]
    normed = _normed(events, net["before_scale"], net["before_shift"])
    ask = (normed[-1] @ net["ask"]).reshape(heads, -1)
    offer = (normed @ net["offer"]).reshape(len(place), heads, -1)
    give = (normed @ net["give"]).reshape(len(place), heads, -1)
    match = np.einsum("hd,lhd->hl", ask, offer) / np.float32(math.sqrt(ask.shape[1]))
    # Lags run from the oldest event of the window down to 0. The log of a weight scales that event's
    # attention by the weight.
    match += net["lag"][:, len(place) - 1 :: -1] + np.log(weight)
    # The largest is taken off first: exp of a large number is infinite.
    attention = np.exp(match - match.max(axis=1, keepdims=True))
    attention /= attention.sum(axis=1, keepdims=True)
    state = events[-1] + np.einsum("hl,lhd->hd", attention, give).reshape(-1) @ net["mix"]
    inner = _normed(state, net["inner_scale"], net["inner_shift"])
    state = (
        state + _gelu(inner @ net["wide"] + net["wide_bias"]) @ net["narrow"] + net["narrow_bias"]
    )
    return _normed(state, net["after_scale"], net["after_shift"])


def _normed(values: Array, scale: Array, shift: Array) -> Array:
    """Layer normalisation over the last axis."""
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
    found: Array = centred / spread * scale + shift
    return found


def _gelu(values: Array) -> Array:
    """The tanh form, as in `neural`: both sides have to compute the same."""
    inner = np.float32(math.sqrt(2 / math.pi)) * (values + np.float32(0.044715) * values**3)
    found: Array = np.float32(0.5) * values * (1 + np.tanh(inner))
    return found
