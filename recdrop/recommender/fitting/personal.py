"""Fits the user recipes: choose settings on validation users, measure on test users, train on
everyone.
"""

from __future__ import annotations

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array, TrainingData
from recdrop.recommender.engine.scores import Base, Engine, train
from recdrop.recommender.fitting.task import Task, measured, test_split
from recdrop.recommender.fitting.validation import Tilts, choose_settings, train_net
from recdrop.recommender.models.base import Vocabulary
from recdrop.recommender.models.personal import Additions, PersonalModel, personal_model
from recdrop.recommender.parts.content import describe
from recdrop.recommender.parts.explore import novelty


def fit_personal(task: Task) -> PersonalModel:
    history = task.history()
    split = test_split(task, history)
    content = describe(task.data.items, task.items)
    task.progress(0.05, "Choosing settings on validation users")
    choice = choose_settings(task, history if split is None else split.rest, content)
    chosen = choice.settings
    net = train_net(task, history) if chosen.sequence else None
    if split is None:
        return build(task, history, train(history, task.items, chosen, None, content, net))
    task.progress(0.3, "Scoring held-out users")
    base = Base.of(split.rest, task.items, chosen)
    metrics = measured(
        task,
        split,
        lambda rest: build(task, rest, train(rest, task.items, chosen, base, content, choice.net)),
    )
    task.progress(0.7, "Training on all users")
    whole = base.plus(history.take_users(split.users)) if base.is_full else None
    return build(task, history, train(history, task.items, chosen, whole, content, net), metrics)


def build(
    task: Task, history: Histories, engine: Engine, metrics: dict[str, float] | None = None
) -> PersonalModel:
    header = task.header(engine.settings.as_dict(), metrics or {})
    return personal_model(
        header, Vocabulary.of(task.data, history), engine, additions(task.data, history)
    )


def additions(data: TrainingData, history: Histories, first_seen: Array | None = None) -> Additions:
    tilts = Tilts.of(data, history)
    return Additions(tilts.context, tilts.profile, data.users, novelty(data, first_seen))
