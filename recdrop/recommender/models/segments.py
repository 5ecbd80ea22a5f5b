"""User segments: who is likeliest to take an item, or an item of a kind.

The first is item-affinity, the second item-attribute-affinity.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import decay, steps_back
from recdrop.recommender.data.records import Array
from recdrop.recommender.engine.scores import Engine
from recdrop.recommender.models.base import Header, Model
from recdrop.recommender.models.memory import Vocabulary
from recdrop.recommender.parts.ranking import top

OWN_SHARE = 0.5
LONGER = 3


class SegmentModel(Model):
    """Scores all users for an item in one sparse product: users x items is never a matrix."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        self._engine = Engine.from_arrays(header.settings, arrays)
        self._taste = tastes(self._vocabulary, self._engine)

    def segment(self, items: str | Array, n: int = 25) -> list[str]:
        """The `n` users with the highest affinity, best first.

        `items` is an item id or a bool mask of items, for an attribute. An unknown item, or a mask of
        none, gives the most active users.

        Raises:
            ValueError: The mask has another length than the catalogue.
        """
        wanted = self._wanted(items)
        return [self._vocabulary.users.name(int(code)) for code in top(self.affinity(wanted), n)]

    def affinity(self, wanted: Array) -> Array:
        """float32[users] for item codes. Activity breaks ties, and answers alone when nothing is wanted."""
        activity: Array = np.diff(self._taste.indptr).astype(np.float32)
        activity = activity / max(1.0, float(activity.max(initial=0)))
        if not len(wanted):
            return activity
        found: Array = self._taste @ self._pull(wanted) + 1e-6 * activity
        return found

    def _wanted(self, items: str | Array) -> Array:
        if isinstance(items, str):
            code = self.item_index(items)
            return np.array([] if code is None else [code], dtype=np.int64)
        if len(items) != len(self._items):
            raise ValueError(
                f"Item mask has length {len(items)}. Expected {len(self._items)}, one per item"
            )
        return np.flatnonzero(items)

    def _pull(self, wanted: Array) -> Array:
        """float32[items]: how much each item of a history speaks for the wanted ones.

        This is the engine turned round: columns of its matrices, summed over the wanted items.
        """
        engine, size = self._engine, len(self._items)
        pull = np.zeros(size, dtype=np.float32)
        columns = engine.head.place[wanted]
        pull[engine.head.items] += engine.weights[:, columns[columns >= 0]].sum(axis=1)
        member = np.zeros(size, dtype=np.float32)
        member[wanted] = 1
        markov = engine.markov.matrix(size) @ member
        pull = _unit(pull) + np.float32(engine.settings.markov) * _unit(markov)
        # To have had an item speaks for its kind, and for itself where items come again.
        if self.recipe == "item-attribute-affinity" or engine.settings.repeats:
            pull = pull + np.float32(OWN_SHARE) * member
        return pull


def tastes(vocabulary: Vocabulary, engine: Engine) -> sparse.csr_matrix:
    """CSR [users, items]: each history's weights, decayed, summing to 1.

    Decayed more slowly than for an answer: who likes an item is a longer matter than what comes next.
    """
    starts, users = vocabulary.indptr, len(vocabulary.users)
    steps = steps_back(starts, vocabulary.tied)
    decayed = vocabulary.weight * decay(steps, LONGER * engine.settings.memory)
    user = np.repeat(np.arange(users), np.diff(starts))
    total = np.bincount(user, decayed, minlength=users)
    cells = (decayed / np.maximum(total[user], 1e-9), vocabulary.item, starts)
    return sparse.csr_matrix(cells, shape=(users, engine.items), dtype=np.float32)


def _unit(values: Array) -> Array:
    largest = float(np.abs(values).max(initial=0))
    return values / largest if largest > 0 else values
