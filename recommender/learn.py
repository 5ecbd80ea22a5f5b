"""Fits the user recipes: choose settings on validation users, measure on test users, train on everyone."""

from __future__ import annotations

from recommender.engine import Settings, train
from recommender.histories import Histories, repeat_share
from recommender.model import Model, Vocabulary
from recommender.personal import personal_model
from recommender.task import Task, measured, test_split

REPEATING = 0.02


def fit_personal(task: Task) -> Model:
    history = task.history()
    split = test_split(task, history)
    chosen = Settings(repeats=repeat_share(history) > REPEATING, frequency=1.0 if repeat_share(history) > REPEATING else 0.0)
    task.progress(0.5, "Scoring held-out users")
    metrics = measured(task, split, lambda rest: _build(task, rest, chosen))
    task.progress(0.7, "Training on all users")
    return _build(task, history, chosen, metrics)


def _build(task: Task, history: Histories, chosen: Settings, metrics: dict[str, float] | None = None) -> Model:
    engine = train(history, task.items, chosen)
    header = task.header(chosen.as_dict(), metrics or {})
    return personal_model(header, Vocabulary.of(task.data, history), engine)
