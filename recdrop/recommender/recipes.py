"""Recipe names, what each one is, and the two ways to a model: `fit` it or `load` it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, TrainingData
from recdrop.recommender.files import ModelFileError, read_model
from recdrop.recommender.fitting.personal import fit_personal
from recdrop.recommender.fitting.related import fit_related, fit_semantic
from recdrop.recommender.fitting.task import Progress, Task, measured, test_split
from recdrop.recommender.models import popular
from recdrop.recommender.models.actions import ActionModel, fit_actions
from recdrop.recommender.models.base import Header, Model, ModelKind
from recdrop.recommender.models.personal import PersonalModel
from recdrop.recommender.models.ratings import RatingModel, fit_ratings
from recdrop.recommender.models.related import RelatedModel
from recdrop.recommender.models.segments import SegmentModel, fit_segments
from recdrop.recommender.parts.cores import one_core

Fit = Callable[[Task], Model]
Open = Callable[[Header, Mapping[str, Array]], Model]
DAY = 86_400


@dataclass(frozen=True)
class Recipe:
    kind: ModelKind
    fit: Fit
    open: Open


def fit(
    recipe: str,
    data: TrainingData,
    *,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    budget_seconds: float = 30,
    hpo: bool = False,
    progress: Progress | None = None,
) -> Model:
    """Trains a model. ValueError names what is wrong with the recipe, the settings or the data."""
    found = _recipe(recipe)
    if not len(data):
        raise ValueError("Training data has 0 interactions. Expected at least one")
    check_settings(settings or {})
    report = progress or (lambda _share, _text: None)
    report(0.0, "Reading histories")
    task = Task(recipe, found.kind, data, dict(settings or {}), seed, budget_seconds, hpo, report)
    with one_core():
        model = found.fit(task)
    report(1.0, "Trained")
    return model


def load(path: Path) -> Model:
    """A saved model, memory-mapped.

    ModelFileError when the folder is cut, changed or of another kind.
    """
    header, arrays = read_model(Path(path))
    if header.get("recipe") not in RECIPES:
        raise ModelFileError(
            f"{path} has recipe {header.get('recipe')!r}. Expected one of: {', '.join(RECIPES)}"
        )
    known = Header(
        header["recipe"], header["kind"], header["settings"], header["metrics"], header["seed"]
    )
    return RECIPES[known.recipe].open(known, arrays)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Plain finite values; `event_weights` maps event types to 0..1. Names that no recipe knows are
    kept, not refused:
    hyperparameters of other engines may come along."""
    for name, value in settings.items():
        if name == "event_weights":
            _check_weights(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"Setting {name!r} has value {value!r}. Expected a finite number")
        elif value is not None and not isinstance(value, str | int | float | bool):
            raise ValueError(
                f"Setting {name!r} has value {value!r}. Expected text, a number or a truth value"
            )


def _check_weights(weights: object) -> None:
    if not isinstance(weights, Mapping):
        message = f"Setting 'event_weights' has value {weights!r}. Expected a mapping of event types to 0..1"
        raise ValueError(message)  # noqa: TRY004 - every refusal of fit is a ValueError
    for kind, weight in weights.items():
        if not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise ValueError(f"Event weight of {kind!r} has value {weight!r}. Expected 0 to 1")


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise ValueError(f"Recipe {name!r} is not known. Expected one of: {', '.join(RECIPES)}")
    return RECIPES[name]


def fit_popular(task: Task) -> Model:
    return _fit_order(task, lambda history: popular.counts(history, task.items))


def fit_trending(task: Task) -> Model:
    """`trend_window_days` is the length of the window, 1 by default.

    Asked whom it helps, and whether it foretells.
    """
    window = max(1, int(float(task.settings.get("trend_window_days", 1)) * DAY))
    model = _fit_order(task, lambda history: popular.trend(history, task.items, window))
    if task.fixed is not None:
        return model
    accuracy = popular.trend_accuracy(task.history(), task.items, window)
    return model.with_metrics({**model.metrics, "trend_prediction_accuracy": round(accuracy, 6)})


def _fit_order(task: Task, score: Callable[[Histories], Array]) -> popular.PopularModel:
    ids, history = Ids.of(task.data.item_ids), task.history()
    metrics = measured(
        task,
        test_split(task, history),
        lambda rest: popular.popular_model(task.header({}, {}), ids, score(rest)),
    )
    return popular.popular_model(task.header({}, metrics), ids, score(history))


RECIPES: Mapping[str, Recipe] = {
    "user-personalization-v2": Recipe("user", fit_personal, PersonalModel),
    "user-personalization": Recipe("user", fit_personal, PersonalModel),
    "hrnn": Recipe("user", fit_personal, PersonalModel),
    "hrnn-metadata": Recipe("user", fit_personal, PersonalModel),
    "hrnn-coldstart": Recipe("user", fit_personal, PersonalModel),
    "personalized-ranking-v2": Recipe("ranking", fit_personal, PersonalModel),
    "personalized-ranking": Recipe("ranking", fit_personal, PersonalModel),
    "similar-items": Recipe("related", fit_related, RelatedModel),
    "sims": Recipe("related", fit_related, RelatedModel),
    "semantic-similarity": Recipe("related", fit_semantic, RelatedModel),
    "popularity-count": Recipe("popular", fit_popular, popular.PopularModel),
    "trending-now": Recipe("popular", fit_trending, popular.PopularModel),
    "item-affinity": Recipe("segment", fit_segments, SegmentModel),
    "item-attribute-affinity": Recipe("segment", fit_segments, SegmentModel),
    "next-best-action": Recipe("actions", fit_actions, ActionModel),
    "svd": Recipe("rating", fit_ratings, RatingModel),
}
