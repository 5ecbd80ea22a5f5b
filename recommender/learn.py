"""Fits the user recipes: choose settings on validation users, measure on test users, train on everyone."""

from __future__ import annotations

import numpy as np

from recommender.data import Array
from recommender.engine import Base, Engine, Settings, train
from recommender.histories import Histories, repeat_share
from recommender.model import Model, Vocabulary
from recommender.personal import personal_model
from recommender.search import Effort, Trial, coordinates, search
from recommender.split import Cases, draw_users, hold_out, join
from recommender.task import Task, measured, test_split

VALIDATION_SHARE = 0.25
FEW_QUESTIONS = 400
EARLIER_ENDS = (0.9, 0.8)


def fit_personal(task: Task) -> Model:
    history = task.history()
    split = test_split(task, history)
    task.progress(0.05, "Choosing settings on validation users")
    chosen = choose_settings(task, history if split is None else split.rest)
    if split is None:
        return _build(task, history, train(history, task.items, chosen))
    task.progress(0.3, "Scoring held-out users")
    base = Base.of(split.rest, task.items, chosen)
    metrics = measured(task, split, lambda rest: _build(task, rest, train(rest, task.items, chosen, base)))
    task.progress(0.7, "Training on all users")
    whole = base.plus(history.take_users(split.users)) if base.is_full else None
    return _build(task, history, train(history, task.items, chosen, whole), metrics)


def choose_settings(task: Task, history: Histories) -> Settings:
    """Of the training users only: a quarter of them (of a sample, when there are many) ask the questions."""
    effort = Effort.of(task.budget_seconds, hpo=task.hpo)
    share = repeat_share(history)
    start = Settings(repeats=share > 0, frequency=1.0 if share > 0 else 0.0)
    sampled = _sample(history, effort.events, task.rng(2))
    if int((np.diff(sampled.indptr) >= 2).sum()) < 8:
        return start
    users = draw_users(sampled, VALIDATION_SHARE, effort.cases, task.rng(3))
    rest = sampled.take_users(np.setdiff1d(np.arange(sampled.users), users))
    trial = Trial(rest, _questions(sampled, users), task.items, effort)
    for _ in range(effort.rounds):
        start = search(trial, start, coordinates(share))
    return start


def _questions(history: Histories, users: Array) -> Cases:
    """The newest tenth of each history; with few users also the tenths before it, asked at their time."""
    cases = hold_out(history, users)
    long = users[np.diff(history.indptr)[users] >= 10]
    if len(users) < FEW_QUESTIONS and len(long):
        for end in EARLIER_ENDS:
            cases = join(cases, hold_out(history, long, end=end))
    return cases


def _sample(history: Histories, events: int, rng: np.random.Generator) -> Histories:
    if len(history) <= events:
        return history
    size = max(2, round(history.users * events / len(history)))
    return history.take_users(np.sort(rng.choice(history.users, size, replace=False)))


def _build(task: Task, history: Histories, engine: Engine, metrics: dict[str, float] | None = None) -> Model:
    header = task.header(engine.settings.as_dict(), metrics or {})
    return personal_model(header, Vocabulary.of(task.data, history), engine)
