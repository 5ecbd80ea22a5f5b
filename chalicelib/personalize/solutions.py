"""Solutions and their versions.

A version is named after the run, so it is trained once whatever is retried.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ConfigurationError
from chalicelib.personalize.arns import Arns
from chalicelib.personalize.ensure import State, create_once, ensure, ready

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

    from chalicelib.config.sections import Solution


def ensure_solution(client: PersonalizeClient, arns: Arns, group: str, solution: Solution) -> str:
    """The solution's ARN.

    Raises ConfigurationError when one of this name has another recipe, which cannot be changed.
    """
    name = f"{group}-{solution.name}"
    arn, recipe = arns.solution(name), arns.recipe(solution.recipe)
    state = ensure(
        f"solution {name!r}",
        lambda: client.describe_solution(solutionArn=arn)["solution"],
        # Personalize trains beside the pipeline every 7 days unless told not to.
        lambda: client.create_solution(
            name=name,
            datasetGroupArn=arns.dataset_group(group),
            recipeArn=recipe,
            performAutoTraining=False,
            performHPO=solution.hpo,
            solutionConfig=solution_config(solution),
        ),
    )
    if state["recipeArn"] != recipe:
        raise ConfigurationError(
            f"Solution {name!r} was made with recipe {state['recipeArn']!r}; recdrop.toml says {solution.recipe!r}. "
            "A solution's recipe cannot be changed: give the new one another name."
        )
    return arn


def solution_config(solution: Solution) -> Any:
    config: dict[str, Any] = {}
    if solution.settings:
        config["algorithmHyperParameters"] = {
            key: _text(value) for key, value in solution.settings.items()
        }
    if solution.event_weights:
        events = [
            {"eventType": name, "weight": weight} for name, weight in solution.event_weights.items()
        ]
        config["eventsConfig"] = {"eventParametersList": events}
    if solution.event_value_threshold is not None:
        config["eventValueThreshold"] = str(solution.event_value_threshold)
    return config


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def start_version(client: PersonalizeClient, solution_arn: str, name: str) -> str:
    """The ARN of the version called `name`, whose training begins now unless it began before."""
    created: Any = create_once(
        f"solution version {name!r}",
        lambda: client.create_solution_version(
            name=name, solutionArn=solution_arn, trainingMode="FULL"
        ),
    )
    return (
        str(created["solutionVersionArn"]) if created else _find_version(client, solution_arn, name)
    )


def _find_version(client: PersonalizeClient, solution_arn: str, name: str) -> str:
    """ListSolutionVersions tells no names, and the ARN ends in an id of the service's own."""
    for page in client.get_paginator("list_solution_versions").paginate(solutionArn=solution_arn):
        for summary in page["solutionVersions"]:
            arn = summary["solutionVersionArn"]
            if (
                client.describe_solution_version(solutionVersionArn=arn)["solutionVersion"].get(
                    "name"
                )
                == name
            ):
                return arn
    raise LookupError(
        f"Solution version {name!r} exists, says Personalize, but {solution_arn} lists none of that name."
    )


def trained(client: PersonalizeClient, version_arn: str) -> State:
    """The version once it is ACTIVE. Raises ResourcePending, ResourceFailed."""
    return ready(
        "training",
        client.describe_solution_version(solutionVersionArn=version_arn)["solutionVersion"],
    )


def own_metrics(client: PersonalizeClient, version_arn: str) -> dict[str, float]:
    """Personalize's own offline metrics: shown, not decisive, since versions trained on other data
    differ in split.
    """
    return dict(client.get_solution_metrics(solutionVersionArn=version_arn).get("metrics", {}))


def recipe_type(client: PersonalizeClient, arns: Arns, recipe: str) -> str:
    """USER_PERSONALIZATION, RELATED_ITEMS, PERSONALIZED_RANKING, POPULAR_ITEMS, USER_SEGMENTATION,
    PERSONALIZED_ACTIONS.
    """
    return client.describe_recipe(recipeArn=arns.recipe(recipe))["recipe"]["recipeType"]
