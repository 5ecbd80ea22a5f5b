"""Fits the recipes that have one order of the catalogue for everyone."""

from __future__ import annotations

from collections.abc import Callable

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array
from recdrop.recommender.fitting.task import Task, measured, test_split
from recdrop.recommender.models.base import Model
from recdrop.recommender.models.popular import PopularModel, popular_model
from recdrop.recommender.parts.popularity import counts, trend, trend_accuracy

DAY = 86_400


def fit_popular(task: Task) -> Model:
    """Weighted counts."""
    return _fit_order(task, lambda history: counts(history, task.items))


def fit_trending(task: Task) -> Model:
    """What rises; `trend_window_days` is the length of the window, 1 by default.

    Besides whom it helps it is asked whether it foretells.
    """
    window = max(1, int(float(task.settings.get("trend_window_days", 1)) * DAY))
    model = _fit_order(task, lambda history: trend(history, task.items, window))
    if task.fixed is not None:
        return model
    accuracy = trend_accuracy(task.history(), task.items, window)
    return model.with_metrics({**model.metrics, "trend_prediction_accuracy": round(accuracy, 6)})


def _fit_order(task: Task, score: Callable[[Histories], Array]) -> PopularModel:
    """Measures an order of the other users' events on the held-out users, then makes it of all."""
    ids, history = Ids.of(task.data.item_ids), task.history()
    metrics = measured(
        task,
        test_split(task, history),
        lambda rest: popular_model(task.header({}, {}), ids, score(rest)),
    )
    return popular_model(task.header({}, metrics), ids, score(history))
