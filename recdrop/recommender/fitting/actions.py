"""Fits next-best-action: counts what was offered and taken, measured on held-out users."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from recdrop.recommender.data.records import Array, Query, TrainingData
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.metrics import COVERAGE
from recdrop.recommender.models.actions import TAKEN, ActionModel
from recdrop.recommender.models.memory import Vocabulary


def fit_actions(task: Task) -> ActionModel:
    """Counts; measured on a tenth of the users, who are left out of the counts then."""
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
    """bool[events]; an event without a type is taken."""
    if data.event_type is None:
        return np.ones(len(data), dtype=bool)
    return np.array(
        [kind is None or str(kind).lower() == TAKEN for kind in data.event_type.values], dtype=bool
    )


def _measure(model: ActionModel, data: TrainingData, held: Array) -> dict[str, float]:
    """Of the propensities that new users get, over the offers of the held-out ones.

    The area under the ROC curve, and the coverage at 5.
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
    """The chance that a taken offer has a higher propensity than another; a tie counts half."""
    ordered = np.sort(scores[~positive])
    below = np.searchsorted(ordered, scores[positive], side="left")
    level = np.searchsorted(ordered, scores[positive], side="right") - below
    return float((below + level / 2).mean() / len(ordered))
