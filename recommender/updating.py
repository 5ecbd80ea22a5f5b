"""trainingMode=UPDATE: new interactions, items, users and metadata come in, without a search or a solve.

A personal model keeps its ridge weights, by far the dearest part, for the items it knew; new items get transitions,
popularity, metadata and exploration at once. Other recipes are fitted again with the settings chosen before. The metrics
stay those of the full fit, and say so by their name in the settings: `updates` counts how often this was done.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recommender.content import describe
from recommender.data import Array, TrainingData
from recommender.engine import Engine, Head, markov_rows, popularity
from recommender.histories import Histories
from recommender.learn import additions
from recommender.model import Base, Header, Model, Vocabulary
from recommender.personal import PersonalModel, personal_model
from recommender.recipes import RECIPES
from recommender.task import Task


def update(model: Base, data: TrainingData) -> Model:
    """`data` is the whole of the data as it is now; items that are gone from it are gone from the model."""
    old = model.header
    settings = {**old.settings, "updates": int(old.settings.get("updates", 0)) + 1}
    task = Task(old.recipe, old.kind, data, settings, old.seed, fixed=settings)
    if isinstance(model, PersonalModel):
        return _update_personal(model, task)
    found = RECIPES[old.recipe].fit(task)
    return found.with_metrics(old.metrics) if isinstance(found, Base) else found


def _update_personal(model: PersonalModel, task: Task) -> PersonalModel:
    history = task.history()
    codes = _codes_in(model.item_ids, task.data.item_ids)
    engine = _carried(model.engine, codes, history, task)
    more = additions(task.data, history, _carried_times(model.novelty.created, codes, task.items))
    header = Header(task.recipe, task.kind, task.settings, model.metrics, task.seed)
    return personal_model(header, Vocabulary.of(task.data, history), engine, more)


def _carried(engine: Engine, codes: Array, history: Histories, task: Task) -> Engine:
    settings, items = engine.settings, task.items
    moved = codes[engine.head.items]
    kept = np.flatnonzero(moved >= 0)
    place = np.full(items, -1, dtype=np.int32)
    place[moved[kept]] = np.arange(len(kept), dtype=np.int32)
    head = Head(moved[kept].astype(np.int32), place)
    weights = engine.weights if len(kept) == len(moved) else engine.weights[np.ix_(kept, kept)]
    popular = popularity(history, items, settings.popularity_age)
    content = describe(task.data.items, items)
    net = None if engine.net is None else engine.net.moved(codes)
    return Engine(settings, head, np.asarray(weights), markov_rows(history, items, settings), popular, content, net)


def _codes_in(old_ids: Array, new_ids: Array) -> Array:
    """int64[old items]: the code of each old id among the new ones, or -1."""
    codes: dict[Any, int] = {identifier: code for code, identifier in enumerate(new_ids.tolist())}
    return np.array([codes.get(identifier, -1) for identifier in old_ids.tolist()], dtype=np.int64)


def _carried_times(created: Array, codes: Array, items: int) -> Array:
    found = np.full(items, np.nan)
    found[codes[codes >= 0]] = created[codes >= 0]
    return found
