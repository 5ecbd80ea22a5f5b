"""What Amazon owns and everybody can read (`recipes.json`).

These are recipes, algorithms and feature transformations. `engine` names the recipe of our
`recommender` package that really trains; domain recipes are custom ones on the events of their own
type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recdrop.service.resources.store import Resource

_FILE = Path(__file__).with_name("recipes.json")
_CREATED = 1_559_779_200.0  # 2019-06-06: constant, so that answers are the same in every run


@dataclass(frozen=True)
class Recipe:
    """A recipe, or the use case of a domain.

    engine           the recipe of `recommender` that trains it
    hyperparameters  the rule for each: default, and range or values
    features         the defaults of its feature transformation
    event_type       the type of event that a use case learns from
    hides            items with which the user has an event of this type are left out of a use case's
                     answers, so that it needs the user
    requires         datasets that it needs besides INTERACTIONS
    settings         what the engine is set to, whatever the customer says
    """

    name: str
    engine: str
    type: str
    description: str
    algorithm: str
    hyperparameters: Mapping[str, Mapping[str, Any]]
    features: Mapping[str, str]
    domain: str | None = None
    event_type: str | None = None
    hides: str | None = None
    requires: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:personalize:::recipe/{self.name}"

    @property
    def gives_reasons(self) -> bool:
        """v2 recipes and their use cases say why an item is there."""
        return self.engine.endswith("-v2")

    @property
    def has_scores(self) -> bool:
        return self.type in ("USER_PERSONALIZATION", "PERSONALIZED_RANKING", "PERSONALIZED_ACTIONS")

    def problem_with(self, hyperparameters: Mapping[str, str]) -> str | None:
        """Why these hyperparameters are refused, or None."""
        for name, value in hyperparameters.items():
            rule = self.hyperparameters.get(name)
            if rule is None:
                known = ", ".join(sorted(self.hyperparameters)) or "none"
                return (
                    f"Hyperparameter {name!r} is not one of {self.name}. Expected one of: {known}."
                )
            problem = _out_of_range(value, rule)
            if problem:
                return f"Hyperparameter {name!r} has value {value!r}. Expected {problem}."
        return None


class Catalog:
    """Recipes by their ARN, and the resources by which the service shows them."""

    def __init__(self, recipes: Mapping[str, Recipe]) -> None:
        self._recipes = recipes
        self._resources = {
            resource.arn: resource for recipe in recipes.values() for resource in _resources(recipe)
        }

    def recipe(self, arn: str) -> Recipe | None:
        return self._recipes.get(arn)

    def get(self, arn: str) -> Resource | None:
        return self._resources.get(arn)

    def all(self, kind: str) -> list[Resource]:
        return [resource for resource in self._resources.values() if resource.kind == kind]


def load_catalog(*more: Recipe) -> Catalog:
    """The recipes of the file, and `more` beside them."""
    entries = json.loads(_FILE.read_text())["recipes"]
    recipes = [
        Recipe(**{**entry, "requires": tuple(entry.get("requires", ()))}) for entry in entries
    ]
    # Seen: ListRecipes is sorted by name.
    ordered = sorted((*recipes, *more), key=lambda recipe: recipe.name)
    return Catalog({recipe.arn: recipe for recipe in ordered})


def _out_of_range(value: str, rule: Mapping[str, Any]) -> str | None:
    """What was expected, when the value does not fit; None when it does."""
    if "values" in rule:
        allowed = [each.lower() for each in rule["values"]]
        return None if value.lower() in allowed else f"one of {rule['values']}"
    try:
        number = int(value) if rule["type"] == "integer" else float(value)
    except ValueError:
        return f"a number of type {rule['type']}"
    return None if rule["min"] <= number <= rule["max"] else f"{rule['min']} to {rule['max']}"


def _resources(recipe: Recipe) -> Iterator[Resource]:
    algorithm = f"arn:aws:personalize:::algorithm/{recipe.algorithm}"
    transformation = f"arn:aws:personalize:::feature-transformation/{recipe.algorithm}"
    dates = {"creationDateTime": _CREATED, "lastUpdatedDateTime": _CREATED, "status": "ACTIVE"}
    yield Resource(
        recipe.arn,
        "Recipe",
        {
            "name": recipe.name,
            "recipeArn": recipe.arn,
            "algorithmArn": algorithm,
            "featureTransformationArn": transformation,
            "recipeType": recipe.type,
            "description": recipe.description,
            "recipeProvider": "SERVICE",
            "domain": recipe.domain,
            **dates,
        },
    )
    yield Resource(
        algorithm,
        "Algorithm",
        {
            "name": recipe.algorithm,
            "algorithmArn": algorithm,
            "algorithmImage": {
                "name": recipe.algorithm,
                "dockerURI": f"recdrop/recommender:{recipe.engine}",
            },
            "defaultHyperParameters": {
                name: rule["default"] for name, rule in recipe.hyperparameters.items()
            },
            "defaultHyperParameterRanges": _ranges(recipe),
            "defaultResourceConfig": {
                "maxNumberOfTrainingJobs": "1",
                "maxParallelTrainingJobs": "1",
            },
            "trainingInputMode": "File",
            **dates,
        },
    )
    yield Resource(
        transformation,
        "FeatureTransformation",
        {
            "name": recipe.algorithm,
            "featureTransformationArn": transformation,
            "defaultParameters": recipe.features,
            **dates,
        },
    )


def _ranges(recipe: Recipe) -> dict[str, list[dict[str, Any]]]:
    ranges: dict[str, list[dict[str, Any]]] = {
        "integerHyperParameterRanges": [],
        "continuousHyperParameterRanges": [],
        "categoricalHyperParameterRanges": [],
    }
    for name, rule in recipe.hyperparameters.items():
        edges = {"values": rule["values"]} if "values" in rule else _edges(rule)
        entry = {"name": name, **edges, "isTunable": rule.get("tunable", True)}
        ranges[f"{rule['type']}HyperParameterRanges"].append(entry)
    return ranges


def _edges(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"minValue": rule["min"], "maxValue": rule["max"]}
