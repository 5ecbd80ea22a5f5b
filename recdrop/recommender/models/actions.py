"""Next best action: how likely a user takes an action when it is offered, between 0 and 1.

The items of the training data are actions. "Taken" counts as taken, "Not Taken" and "Viewed" as
offered and not taken; events without a type count as taken. The rate of an action is shrunken
towards that of all; a user's own record and the likeness to users with the same history move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.models.base import Header, Model
from recdrop.recommender.models.memory import Vocabulary
from recdrop.recommender.parts.ranking import top

TAKEN = "taken"
# In offers: as many as it takes until an action's own record, or a user's, weighs as much as
# what was expected of it.
PRIOR = 10.0
OWN_PRIOR = 3.0
MOST_OTHERS = 50


class ActionModel(Model):
    """`taken` and `offered` float32 counts, by user and action (rows of CSR) and by action."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        size = len(self._items)
        parts = (arrays["record_item"], arrays["record_starts"])
        shape = (len(self._vocabulary.users), size)
        self._taken = sparse.csr_matrix((arrays["record_taken"], *parts), shape=shape)
        self._offered = sparse.csr_matrix((arrays["record_offered"], *parts), shape=shape)
        self._rate = _shrunken(_column_sums(self._taken), _column_sums(self._offered), PRIOR)

    def recommend(
        self,
        query: Query,
        n: int = 5,
        *,
        allowed: Array | None = None,
        exploration_weight: float = 0.3,
        exploration_item_age_cut_off: float = 30,
        seed: int = 0,
    ) -> list[Scored]:
        """Actions by propensity; that is the score."""
        del exploration_weight, exploration_item_age_cut_off, seed
        propensity = self.propensity(query)
        return [
            Scored(self._items.name(int(code)), float(propensity[code]))
            for code in top(propensity, n, allowed)
        ]

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """By propensity; unknown actions last, in the given order, with score 0."""
        propensity = self.propensity(query)
        return self._in_order(items, lambda code: float(propensity[code]))

    def propensity(self, query: Query) -> Array:
        """float64[actions], between 0 and 1."""
        taken, offered = self._record(query)
        if not offered.any():
            return self._rate
        expected = self._rate_of_alike(taken)
        found: Array = (taken + OWN_PRIOR * expected) / (offered + OWN_PRIOR)
        return found

    def _record(self, query: Query) -> tuple[Array, Array]:
        """What the user took and was offered, float64[actions], the events of the question included."""
        taken, offered = np.zeros(len(self._items)), np.zeros(len(self._items))
        user = None if query.user_id is None else self._vocabulary.users.index(query.user_id)
        if user is not None:
            taken += self._taken[user].toarray().ravel()
            offered += self._offered[user].toarray().ravel()
        for event in query.events:
            code = self.item_index(event.item_id)
            if code is not None:
                offered[code] += 1
                taken[code] += float(event.event_type is None or event.event_type.lower() == TAKEN)
        return taken, offered

    def _rate_of_alike(self, taken: Array) -> Array:
        """The rates among the users who took the same actions, shrunk towards those of everyone."""
        overlap = self._taken @ (taken > 0)
        alike = top(overlap, MOST_OTHERS, overlap > 0)
        if not len(alike):
            return self._rate
        share = sparse.csr_matrix(overlap[alike] / max(1e-9, float(overlap[alike].max(initial=0))))
        found_taken = np.asarray((share @ self._taken[alike]).todense()).ravel()
        found_offered = np.asarray((share @ self._offered[alike]).todense()).ravel()
        found: Array = (found_taken + PRIOR * self._rate) / (found_offered + PRIOR)
        return found


def _column_sums(matrix: sparse.csr_matrix) -> Array:
    found: Array = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()
    return found


def _shrunken(taken: Array, offered: Array, prior: float) -> Array:
    """The rate of each action, as if each had been offered `prior` times more at the rate of all."""
    # One success and one failure more: a rate of exactly 0 or 1 is never certain.
    overall = (float(taken.sum()) + 1) / (float(offered.sum()) + 2)
    return (taken + prior * overall) / (offered + prior)
