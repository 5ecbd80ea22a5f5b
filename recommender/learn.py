"""Fits the user recipes: choose settings on validation users, measure on test users, train on everyone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.balance import LEAST_TAIL, balance
from recommender.content import Content, describe
from recommender.data import Array, TrainingData
from recommender.engine import Base, Engine, Settings, train
from recommender.explore import novelty
from recommender.histories import Histories, repeat_share
from recommender.lifts import Lifts, case_lifts, learn_lifts, row_values
from recommender.model import Vocabulary
from recommender.personal import Additions, PersonalModel, personal_model
from recommender.search import Aids, Effort, Trial, coordinates, search
from recommender.split import Cases, draw_users, hold_out, join
from recommender.task import Task, measured, test_split

VALIDATION_SHARE = 0.25
FEW_QUESTIONS = 400
EARLIER_ENDS = (0.9, 0.8)
MANY_ITEMS = 20_000
SMALL_HEAD = 2500


def fit_personal(task: Task) -> PersonalModel:
    history = task.history()
    split = test_split(task, history)
    content = describe(task.data.items, task.items)
    task.progress(0.05, "Choosing settings on validation users")
    chosen = choose_settings(task, history if split is None else split.rest, content)
    if split is None:
        return build(task, history, train(history, task.items, chosen, None, content))
    task.progress(0.3, "Scoring held-out users")
    base = Base.of(split.rest, task.items, chosen)
    metrics = measured(task, split, lambda rest: build(task, rest, train(rest, task.items, chosen, base, content)))
    task.progress(0.7, "Training on all users")
    whole = base.plus(history.take_users(split.users)) if base.is_full else None
    return build(task, history, train(history, task.items, chosen, whole, content), metrics)


def choose_settings(task: Task, history: Histories, content: Content | None = None) -> Settings:
    """Of the training users only: a quarter of them (of a sample, when there are many) ask the questions."""
    if task.fixed is not None:
        return Settings.from_dict(task.fixed)
    effort = Effort.of(task.budget_seconds, hpo=task.hpo)
    share = repeat_share(history)
    start = Settings(head=effort.head, repeats=share > 0, frequency=1.0 if share > 0 else 0.0)
    sampled = _sample(history, effort.events, task.rng(2))
    if int((np.diff(sampled.indptr) >= 2).sum()) < 8:
        return start
    users = draw_users(sampled, VALIDATION_SHARE, effort.cases, task.rng(3))
    rest = sampled.take_users(np.setdiff1d(np.arange(sampled.users), users))
    cases = _questions(sampled, users)
    aids = _aids(task.data, rest, cases, content)
    trial = Trial(rest, cases, task.items, effort, aids)
    for _ in range(effort.rounds):
        start = search(trial, start, coordinates(share, aids, is_large=len(history) > effort.events))
    if not trial.is_partial:
        return start
    trial_head = min(start.head, SMALL_HEAD) if task.items > MANY_ITEMS else start.head
    tried = start.but(markov=max(start.markov, LEAST_TAIL), head=trial_head)
    return balance(train(rest, task.items, tried, None, content), cases).but(head=start.head)


def build(task: Task, history: Histories, engine: Engine, metrics: dict[str, float] | None = None) -> PersonalModel:
    header = task.header(engine.settings.as_dict(), metrics or {})
    return personal_model(header, Vocabulary.of(task.data, history), engine, additions(task.data, history))


def additions(data: TrainingData, history: Histories, first_seen: Array | None = None) -> Additions:
    lifts = _Lifts.of(data, history)
    return Additions(lifts.context, lifts.profile, data.users, novelty(data, first_seen))


@dataclass(frozen=True)
class _Lifts:
    context: Lifts
    profile: Lifts

    @classmethod
    def of(cls, data: TrainingData, history: Histories) -> _Lifts:
        """From the events of this history only."""
        item, weight, items = history.item, history.weight, len(data.item_ids)
        context = learn_lifts(data.context, history.row, item, weight, items)
        return cls(context, learn_lifts(data.users, data.user[history.row], item, weight, items))


def _aids(data: TrainingData, rest: Histories, cases: Cases, content: Content | None) -> Aids:
    """Each question is asked in the context of its first true event."""
    if not data.context and not data.users:
        return Aids(content)
    lifts = _Lifts.of(data, rest)
    contexts = [row_values(data.context, int(row)) for row in cases.first_row]
    profiles = [row_values(data.users, int(user)) for user in data.user[cases.first_row]]
    return Aids(
        content,
        (lambda items: case_lifts(lifts.context, contexts, items)) if data.context else None,
        (lambda items: case_lifts(lifts.profile, profiles, items)) if data.users else None,
    )


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
