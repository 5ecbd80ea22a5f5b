"""Fits semantic similarity: items that are alike by their metadata alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array
from recdrop.recommender.fitting.task import Task, measured, test_split
from recdrop.recommender.models.base import Model
from recdrop.recommender.models.related import RelatedModel, related_model
from recdrop.recommender.parts.content import CREATION, describe, nearest
from recdrop.recommender.parts.neighbours import NEIGHBOURS
from recdrop.recommender.parts.popularity import popularity


def fit_semantic(task: Task) -> Model:
    """Neighbours by metadata alone, moved by popularity or freshness as far as was asked.

    `popularity_influence` and `freshness_influence` are Personalize's `rankingInfluence`, 0 to 1.

    Raises:
        ValueError: There is no item metadata, or an influence is outside 0 to 1.
    """
    history = task.history()
    content = describe(task.data.items, task.items)
    if content is None:
        raise ValueError(
            "Training data has no item metadata. Expected a column to compare items by"
        )
    near = nearest(content, keep=NEIGHBOURS, targets=np.arange(task.items))
    near = _influenced(near, task)

    def build(events: Histories, metrics: Mapping[str, float]) -> RelatedModel:
        popular = popularity(events, task.items)
        return related_model(task.header({}, metrics), Ids.of(task.data.item_ids), near, popular)

    return build(history, measured(task, test_split(task, history), lambda rest: build(rest, {})))


def _influenced(near: sparse.csr_matrix, task: Task) -> sparse.csr_matrix:
    """Each neighbour times 1 plus its popularity and freshness, as far as these are to count."""
    by_popularity = float(task.settings.get("popularity_influence", 0.0))
    by_freshness = float(task.settings.get("freshness_influence", 0.0))
    for name, value in (
        ("popularity_influence", by_popularity),
        ("freshness_influence", by_freshness),
    ):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} has value {value!r}. Expected 0 to 1")
    if not by_popularity and not by_freshness:
        return near
    factor = (
        1 + by_popularity * popularity(task.history(), task.items) + by_freshness * _freshness(task)
    )
    return sparse.csr_matrix(near @ sparse.diags(factor), dtype=np.float32)


def _freshness(task: Task) -> Array:
    """float64[items]: 1 for the newest created, 0 for the oldest and for those without a creation time."""
    column = next((c for name, c in task.data.items.items() if name.upper() == CREATION), None)
    if column is None:
        return np.zeros(task.items)
    created = column.values.astype(np.float64)
    oldest, span = np.nanmin(created), max(1.0, float(np.nanmax(created) - np.nanmin(created)))
    return np.nan_to_num((created - oldest) / span, nan=0.0)
