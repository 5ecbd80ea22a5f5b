"""Fits the recipes that have one order of the catalogue for everyone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array
from recdrop.recommender.fitting.task import Task, measured, test_split
from recdrop.recommender.models.base import Model
from recdrop.recommender.models.popular import PopularModel, popular_model
from recdrop.recommender.parts.popularity import (
    Trend,
    by_window,
    choose_trend,
    counts,
    trend,
    trend_accuracy,
)

DAY = 86_400


def fit_popular(task: Task) -> Model:
    """Weighted counts."""
    return _fit_order(task, lambda history: counts(history, task.items))


def fit_trending(task: Task) -> Model:
    """What will be used in the window that comes; `trend_window_days` is its length, 1 by default.

    How much the newest rise says of that, and how much the level, is tried on the last windows.
    Besides whom it helps it is asked whether it foretells.
    """
    window = max(1, int(float(task.settings.get("trend_window_days", 1)) * DAY))
    windows = by_window(task.history(), task.items, window)
    how = _chosen_before(task) or choose_trend(windows)
    chosen = {"trend_momentum": how.momentum, "trend_memory": how.memory}
    model = _fit_order(
        task, lambda history: trend(by_window(history, task.items, window), how), chosen
    )
    if task.fixed is not None:
        return model
    accuracy = trend_accuracy(windows, how)
    return model.with_metrics({**model.metrics, "trend_prediction_accuracy": round(accuracy, 6)})


def _chosen_before(task: Task) -> Trend | None:
    """What an earlier fit chose; None where there is none, or it is of a time before the choice."""
    if task.fixed is None or "trend_momentum" not in task.fixed:
        return None
    return Trend(float(task.fixed["trend_momentum"]), float(task.fixed["trend_memory"]))


def _fit_order(
    task: Task, score: Callable[[Histories], Array], chosen: Mapping[str, Any] | None = None
) -> PopularModel:
    """Measures an order of the other users' events on the held-out users, then makes it of all."""
    ids, history = Ids.of(task.data.item_ids), task.history()
    header = task.header(chosen or {}, {})
    metrics = measured(
        task,
        test_split(task, history),
        lambda rest: popular_model(header, ids, score(rest)),
    )
    return popular_model(header, ids, score(history)).with_metrics(metrics)
