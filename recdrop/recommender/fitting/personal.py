"""Fits the user recipes, and brings their models up to date.

A fit chooses settings on validation users, measures on test users, and trains on everyone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array, TrainingData
from recdrop.recommender.engine.scores import Engine
from recdrop.recommender.engine.training import Groundwork, train
from recdrop.recommender.fitting.task import Task, measured, test_split
from recdrop.recommender.fitting.validation import Tilts, choose_settings, train_net
from recdrop.recommender.models.base import Header
from recdrop.recommender.models.memory import Vocabulary
from recdrop.recommender.models.personal import Additions, PersonalModel, personal_model
from recdrop.recommender.parts.content import describe
from recdrop.recommender.parts.explore import novelty


def fit_personal(task: Task) -> PersonalModel:
    """A model that recommends items for users.

    Raises:
        ValueError: no event counts.
    """
    history = task.history()
    split = test_split(task, history)
    content = describe(task.data.items, task.items)
    task.progress(0.05, "Choosing settings on validation users")
    choice = choose_settings(task, history if split is None else split.rest, content)
    chosen = choice.settings
    # The net of the choice has not seen the validation users; the model gets one that has.
    net = train_net(task, history) if chosen.sequence else None
    if split is None:
        return _build(task, history, train(history, task.items, chosen, None, content, net))
    task.progress(0.3, "Scoring held-out users")
    ground = Groundwork.of(split.rest, task.items, chosen)
    metrics = measured(
        task,
        split,
        lambda rest: _build(
            task, rest, train(rest, task.items, chosen, ground, content, choice.net)
        ),
    )
    task.progress(0.7, "Training on all users")
    # Statistics add up over users: those of the test users are added, not everything counted again.
    # Only with a full head, though; a smaller one would gain items by the test users.
    whole = ground.plus(history.take_users(split.users)) if ground.is_full else None
    return _build(task, history, train(history, task.items, chosen, whole, content, net), metrics)


def update_personal(model: PersonalModel, task: Task) -> PersonalModel:
    """The engine anew with the settings chosen before; the sequence model is kept as it is.

    An item keeps the time it was first seen at, which says how long it is new.
    """
    history, items = task.history(), task.items
    codes = _codes_in(model.item_ids, task.data.item_ids)
    old = model.engine
    net = None if old.net is None else old.net.moved(codes)
    engine = train(history, items, old.settings, content=describe(task.data.items, items), net=net)
    more = _additions(task.data, history, _carried_times(model.novelty.created, codes, items))
    header = Header(task.recipe, task.kind, task.settings, model.metrics, task.seed)
    return personal_model(header, Vocabulary.of(task.data, history), engine, more)


def _build(
    task: Task, history: Histories, engine: Engine, metrics: dict[str, float] | None = None
) -> PersonalModel:
    header = task.header(engine.settings.as_dict(), metrics or {})
    vocabulary = Vocabulary.of(task.data, history)
    return personal_model(header, vocabulary, engine, _additions(task.data, history))


def _additions(
    data: TrainingData, history: Histories, first_seen: Array | None = None
) -> Additions:
    tilts = Tilts.of(data, history)
    return Additions(tilts.context, tilts.profile, data.users, novelty(data, first_seen))


def _codes_in(old_ids: Array, new_ids: Array) -> Array:
    """int64[old items]: the code of each old id among the new ones, or -1."""
    codes: dict[Any, int] = {identifier: code for code, identifier in enumerate(new_ids.tolist())}
    return np.array([codes.get(identifier, -1) for identifier in old_ids.tolist()], dtype=np.int64)


def _carried_times(created: Array, codes: Array, items: int) -> Array:
    """float64[items]: when each item was first seen; NaN for those not seen before."""
    found = np.full(items, np.nan)
    found[codes[codes >= 0]] = created[codes >= 0]
    return found
