"""Next best action: how likely a user takes an action when it is offered, as a propensity between 0
and 1.

The items of the training data are actions. "Taken" counts as taken, "Not Taken" and "Viewed" as
offered and not taken; events without a type count as taken. The rate of an action is shrunk towards
that of all; a user's own record and the likeness to users with the same history move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from recdrop.recommender.data.records import Array, Query, Scored, TrainingData
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.metrics import COVERAGE
from recdrop.recommender.models.base import Base, Header, Vocabulary
from recdrop.recommender.parts.ranking import top

TAKEN = "taken"
PRIOR = 10.0
OWN_PRIOR = 3.0
MOST_OTHERS = 50


class ActionModel(Base):
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
        propensity = self.propensity(query)
        known = [
            (i, float(propensity[code])) for i in items if (code := self.item_index(i)) is not None
        ]
        unknown = [
            Scored(identifier, 0.0) for identifier in items if self.item_index(identifier) is None
        ]
        return [
            Scored(*pair) for pair in sorted(known, key=lambda pair: (-pair[1], pair[0]))
        ] + unknown

    def propensity(self, query: Query) -> Array:
        """float64[actions], between 0 and 1."""
        taken, offered = self._record(query)
        if not offered.any():
            return self._rate
        expected = self._rate_of_alike(taken)
        found: Array = (taken + OWN_PRIOR * expected) / (offered + OWN_PRIOR)
        return found

    def _record(self, query: Query) -> tuple[Array, Array]:
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
        share = sparse.csr_matrix(overlap[alike] / max(1e-9, float(overlap[alike].max(initial=0))))
        found_taken = (
            np.asarray((share @ self._taken[alike]).todense()).ravel()
            if len(alike)
            else np.zeros(len(taken))
        )
        found_offered = (
            np.asarray((share @ self._offered[alike]).todense()).ravel()
            if len(alike)
            else found_taken
        )
        found: Array = (found_taken + PRIOR * self._rate) / (found_offered + PRIOR)
        return found


def fit_actions(task: Task) -> ActionModel:
    if task.fixed is not None:
        return _build(task, task.data, {})
    users = task.rng(1).random(len(task.data.user_ids)) < 0.1
    held = users[task.data.user]
    task.progress(0.2, "Scoring held-out users")
    metrics = (
        _measure(_build(task, task.data.take(~held), {}), task.data, held)
        if held.any() and not held.all()
        else {}
    )
    task.progress(0.7, "Training on all users")
    return _build(task, task.data, metrics)


def _build(task: Task, data: TrainingData, metrics: Mapping[str, float]) -> ActionModel:
    shape = (len(data.user_ids), len(data.item_ids))
    order = np.lexsort((data.item, data.user))
    ones = np.ones(len(data), dtype=np.float32)
    offered = sparse.csr_matrix((ones, (data.user[order], data.item[order])), shape=shape)
    taken = sparse.csr_matrix(
        (_is_taken(data).astype(np.float32)[order], (data.user[order], data.item[order])),
        shape=shape,
    )
    for matrix in (offered, taken):
        matrix.sum_duplicates()
    history = Task(task.recipe, task.kind, data).history() if len(data) else task.history()
    arrays = {
        **Vocabulary.of(data, history).arrays(),
        "record_starts": offered.indptr.astype(np.int64),
        "record_item": offered.indices.astype(np.int32),
        "record_offered": offered.data,
        "record_taken": taken.data,
    }
    return ActionModel(task.header({}, metrics), arrays)


def _is_taken(data: TrainingData) -> Array:
    if data.event_type is None:
        return np.ones(len(data), dtype=bool)
    return np.array(
        [kind is None or str(kind).lower() == TAKEN for kind in data.event_type.values], dtype=bool
    )


def _measure(model: ActionModel, data: TrainingData, held: Array) -> dict[str, float]:
    """Area under the ROC curve of the propensities that new users get, over their offers, and the
    coverage at 5.
    """
    taken = _is_taken(data)[held]
    propensity = model.propensity(Query())
    scores = propensity[data.item[held]]
    shown = {scored.item_id for scored in model.recommend(Query(), 5)}
    found = {COVERAGE: round(len(shown) / max(1, len(model.item_ids)), 6)}
    if taken.any() and not taken.all():
        found["area_under_curve"] = round(_area(scores, taken), 6)
    return found


def _area(scores: Array, positive: Array) -> float:
    ordered = np.sort(scores[~positive])
    below = np.searchsorted(ordered, scores[positive], side="left")
    level = np.searchsorted(ordered, scores[positive], side="right") - below
    return float((below + level / 2).mean() / len(ordered))


def _column_sums(matrix: sparse.csr_matrix) -> Array:
    found: Array = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()
    return found


def _shrunken(taken: Array, offered: Array, prior: float) -> Array:
    overall = (float(taken.sum()) + 1) / (float(offered.sum()) + 2)
    return (taken + prior * overall) / (offered + prior)
