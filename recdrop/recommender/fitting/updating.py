"""trainingMode=UPDATE: new interactions, items, users and metadata come in, with the settings
chosen before.

Nothing is searched, held out or measured again, which is most of a fit; the sequence model of a
personal one is kept as it is. The metrics stay those of the full fit; `updates` in the settings
counts how often this was done since.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recdrop.recommender.data.records import Array, TrainingData
from recdrop.recommender.engine.scores import train
from recdrop.recommender.fitting.personal import additions
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.models.base import Base, Header, Model, Vocabulary
from recdrop.recommender.models.personal import PersonalModel, personal_model
from recdrop.recommender.parts.content import describe
from recdrop.recommender.recipes import RECIPES


def update(model: Base, data: TrainingData) -> Model:
    """`data` is the whole of the data as it is now; items that are gone from it are gone from the
    model.
    """
    old = model.header
    settings = {**old.settings, "updates": int(old.settings.get("updates", 0)) + 1}
    task = Task(old.recipe, old.kind, data, settings, old.seed, fixed=settings)
    if isinstance(model, PersonalModel):
        return _update_personal(model, task)
    found = RECIPES[old.recipe].fit(task)
    return found.with_metrics(old.metrics) if isinstance(found, Base) else found


def _update_personal(model: PersonalModel, task: Task) -> PersonalModel:
    history, items = task.history(), task.items
    codes = _codes_in(model.item_ids, task.data.item_ids)
    old = model.engine
    net = None if old.net is None else old.net.moved(codes)
    engine = train(history, items, old.settings, content=describe(task.data.items, items), net=net)
    more = additions(task.data, history, _carried_times(model.novelty.created, codes, items))
    header = Header(task.recipe, task.kind, task.settings, model.metrics, task.seed)
    return personal_model(header, Vocabulary.of(task.data, history), engine, more)


def _codes_in(old_ids: Array, new_ids: Array) -> Array:
    """int64[old items]: the code of each old id among the new ones, or -1."""
    codes: dict[Any, int] = {identifier: code for code, identifier in enumerate(new_ids.tolist())}
    return np.array([codes.get(identifier, -1) for identifier in old_ids.tolist()], dtype=np.int64)


def _carried_times(created: Array, codes: Array, items: int) -> Array:
    found = np.full(items, np.nan)
    found[codes[codes >= 0]] = created[codes >= 0]
    return found
