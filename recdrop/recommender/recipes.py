"""The recipes by name, and what one does with them: `fit` a model, `load` one, `update` one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recdrop.recommender.data.records import Array, TrainingData
from recdrop.recommender.files import ModelFileError, read_model
from recdrop.recommender.fitting.actions import fit_actions
from recdrop.recommender.fitting.personal import fit_personal, update_personal
from recdrop.recommender.fitting.popular import fit_popular, fit_trending
from recdrop.recommender.fitting.ratings import fit_ratings
from recdrop.recommender.fitting.related import fit_related
from recdrop.recommender.fitting.segments import fit_segments
from recdrop.recommender.fitting.semantic import fit_semantic
from recdrop.recommender.fitting.task import Progress, Task
from recdrop.recommender.models.actions import ActionModel
from recdrop.recommender.models.base import Header, Model, ModelKind
from recdrop.recommender.models.personal import PersonalModel
from recdrop.recommender.models.popular import PopularModel
from recdrop.recommender.models.ratings import RatingModel
from recdrop.recommender.models.related import RelatedModel
from recdrop.recommender.models.segments import SegmentModel
from recdrop.recommender.parts.cores import one_core


@dataclass(frozen=True)
class Recipe:
    """One row of the table below.

    `fit` makes a model from a task, `open` makes it from a model file. `update` is there where
    more is kept of the model before than its settings; it takes that model, of the class that
    `open` makes, and the task.
    """

    kind: ModelKind
    fit: Callable[[Task], Model]
    open: Callable[[Header, Mapping[str, Array]], Model]
    update: Callable[[Any, Task], Model] | None = None


_USER = Recipe("user", fit_personal, PersonalModel, update_personal)
_RANKING = Recipe("ranking", fit_personal, PersonalModel, update_personal)
_SEGMENT = Recipe("segment", fit_segments, SegmentModel)

RECIPES: Mapping[str, Recipe] = {
    "user-personalization-v2": _USER,
    "user-personalization": _USER,
    "hrnn": _USER,
    "hrnn-metadata": _USER,
    "hrnn-coldstart": _USER,
    "personalized-ranking-v2": _RANKING,
    "personalized-ranking": _RANKING,
    "similar-items": Recipe("related", fit_related, RelatedModel),
    "sims": Recipe("related", fit_related, RelatedModel),
    "semantic-similarity": Recipe("related", fit_semantic, RelatedModel),
    "popularity-count": Recipe("popular", fit_popular, PopularModel),
    "trending-now": Recipe("popular", fit_trending, PopularModel),
    "item-affinity": _SEGMENT,
    "item-attribute-affinity": _SEGMENT,
    "next-best-action": Recipe("actions", fit_actions, ActionModel),
    "svd": Recipe("rating", fit_ratings, RatingModel),
}


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
    """Trains a model: the same data, settings and seed give the same bytes on any machine.

    `budget_seconds` says how much is tried, it is no limit by the clock. `hpo` looks wider for
    settings. `progress` is told the share done, 0 to 1, and what is being done.

    Raises:
        ValueError: The recipe is not known, a setting cannot be, or the data does not suffice;
            the message names which.
    """
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
    """A saved model, its arrays memory-mapped.

    Raises:
        ModelFileError: The folder is cut, changed, or not of a recipe known here.
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


def update(model: Model, data: TrainingData) -> Model:
    """A new model of the same recipe and settings, from the whole of the data as it is now.

    Nothing is searched, held out or measured again, which is most of a fit: the metrics stay those
    of the full fit. The setting `updates` counts how often this was done since. Items that are gone
    from the data are gone from the model.

    Raises:
        ValueError: The data does not suffice.
    """
    old = model.header
    recipe = _recipe(old.recipe)
    settings = {**old.settings, "updates": int(old.settings.get("updates", 0)) + 1}
    task = Task(old.recipe, recipe.kind, data, settings, old.seed, fixed=settings)
    if recipe.update is not None:
        return recipe.update(model, task)
    return recipe.fit(task).with_metrics(old.metrics)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuses values that are not plain and finite, and event weights outside 0..1.

    Names that no recipe knows are kept, not refused: hyperparameters of other engines may come
    along.

    Raises:
        ValueError: Names the setting, its value and what was expected.
    """
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
        raise ValueError(  # noqa: TRY004 - every refusal of fit is a ValueError
            f"Setting 'event_weights' has value {weights!r}. "
            "Expected a mapping of event types to 0..1"
        )
    for kind, weight in weights.items():
        if not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise ValueError(f"Event weight of {kind!r} has value {weight!r}. Expected 0 to 1")


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise ValueError(f"Recipe {name!r} is not known. Expected one of: {', '.join(RECIPES)}")
    return RECIPES[name]
