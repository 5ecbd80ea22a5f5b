"""Small histories and random nets, shared by the tests of the sequence model and of what uses it."""

from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories, offsets
from recdrop.recommender.data.records import Array
from recdrop.recommender.parts import neural


def history_of(*users: list[int], weights: Array | None = None) -> Histories:
    item = np.array([code for user in users for code in user], dtype=np.int32)
    weight = np.ones(len(item), dtype=np.float32) if weights is None else weights
    place = np.arange(len(item), dtype=np.int64)
    return Histories(offsets(np.array([len(user) for user in users])), item, weight, place, place)


def random_net(items: int = 30, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    known = history_of(*(rng.integers(0, items, 12).tolist() for _ in range(20)))
    start = neural.start_weights(known, items, neural.Recipe(), seed)
    return {
        name: value + rng.normal(0, 0.1, value.shape).astype(np.float32)
        for name, value in start.items()
    }
