"""What a solution version and a recommender have in common: a snapshot of the data becomes a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recdrop.personalize.control.catalog import Recipe
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InvalidInputError, NotFoundError
from recdrop.personalize.kinds.snapshots import has_interactions, snapshot
from recdrop.service.resources.world import Doc

OUR_METRICS = "standard_"  # what the names begin with that the service does not have


def training_job(
    world: World,
    group_arn: str,
    recipes: Sequence[Recipe],
    config: Mapping[str, Any],
    *,
    event_type: str | None,
    hpo: bool = False,
    previous: str | None = None,
) -> Doc:
    """The work order of one training; `previous` is the model folder that an UPDATE goes on from."""
    quotas = world.settings.quotas
    return {
        "work": "train",
        "snapshot": snapshot(world, group_arn),
        "recipes": [_described(recipe) for recipe in recipes],
        "config": dict(config),
        "event_type": event_type,
        "hpo": hpo,
        "previous": previous,
        "seed": world.settings.seed,
        "budget": world.settings.training_seconds,
        "minimum_interactions": quotas["minimum_interactions"],
        "minimum_users": quotas["minimum_users_with_two_interactions"],
        "minimum_percent": quotas["minimum_percent_of_users_with_two_interactions"],
    }


def find_recipe(world: World, arn: str) -> Recipe:
    recipe = world.settings.catalog.recipe(arn)
    if recipe is None:
        raise NotFoundError.of(arn)
    return recipe


def check_trainable(world: World, group_arn: str, recipe: Recipe | None) -> None:
    """No training before an import: the datasets that the recipe reads must hold something."""
    taken = snapshot(world, group_arn)
    if not has_interactions(taken) and (recipe is None or recipe.engine != "semantic-similarity"):
        raise InvalidInputError(
            f"{group_arn} has no interactions. "
            "Expected an INTERACTIONS dataset with an ACTIVE import before training."
        )
    for kind in recipe.requires if recipe else ():
        if kind not in taken["datasets"]:
            raise InvalidInputError(
                f"{group_arn} has no {kind} dataset, which {recipe.name if recipe else ''} needs."
            )


def as_shown(metrics: Mapping[str, float]) -> dict[str, float]:
    """A model's metrics as the service was seen to print them: its own names, four decimals.

    Ours, and all decimals, are at `/_personalize/metrics`.
    """
    return {
        name: round(value, 4) for name, value in metrics.items() if not name.startswith(OUR_METRICS)
    }


def _described(recipe: Recipe) -> Doc:
    return {
        "arn": recipe.arn,
        "engine": recipe.engine,
        "type": recipe.type,
        "settings": dict(recipe.settings),
    }
