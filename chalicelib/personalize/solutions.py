"""Solutions and their versions.

A version is named after the run, so it is trained once whatever is retried.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chalicelib import names
from chalicelib.aws import call
from chalicelib.config.sections import Solution
from chalicelib.errors import ConfigurationError
from chalicelib.personalize.calls import Calls
from chalicelib.personalize.ensure import create_once, ensure, ready


class Solutions(Calls):
    """Training, as the pipeline asks for it."""

    def train(self, group: str, solution: Solution, run: str) -> str:
        """The ARN of the run's version, whose training begins now unless it began before.

        Raises:
            ResourcePending: the solution is being created.
            ConfigurationError: there is a solution of this name with another recipe.
        """
        solution_arn = self._ensure_solution(group, solution)
        name = names.solution_version(solution.name, run)
        created = create_once(
            f"solution version {name!r}",
            lambda: self.client.create_solution_version(
                name=name, solutionArn=solution_arn, trainingMode="FULL"
            ),
        )
        if created is None:
            return self._find_version(solution_arn, name)
        return created["solutionVersionArn"]

    def check_trained(self, version_arn: str) -> None:
        """The version is ACTIVE.

        Raises:
            ResourcePending: until it is.
            ResourceFailed: with the service's reason.
        """
        answer = call(self.client.describe_solution_version, solutionVersionArn=version_arn)
        ready("training", answer["solutionVersion"])

    def own_metrics(self, version_arn: str) -> dict[str, float]:
        """Personalize's own offline metrics by name.

        Shown, not decisive: the data of two versions differ, and with it the split.
        """
        answer = call(self.client.get_solution_metrics, solutionVersionArn=version_arn)
        return dict(answer.get("metrics", {}))

    def _ensure_solution(self, group: str, solution: Solution) -> str:
        name = names.solution(group, solution.name)
        arn, recipe = self.arns.solution(name), self.arns.recipe(solution.recipe)
        extra: Any = {"eventType": solution.event_type} if solution.event_type else {}
        state = ensure(
            f"solution {name!r}",
            lambda: self.client.describe_solution(solutionArn=arn)["solution"],
            # Personalize trains beside the pipeline every 7 days unless told not to.
            lambda: self.client.create_solution(
                name=name,
                datasetGroupArn=self.arns.dataset_group(group),
                recipeArn=recipe,
                performAutoTraining=False,
                performHPO=solution.hpo,
                solutionConfig=solution_config(solution),
                **extra,
            ),
            delete=lambda _: self.client.delete_solution(solutionArn=arn),
            memory=self.memory,
        )
        for what, (made, wanted) in unchangeable(state, solution).items():
            raise ConfigurationError(
                f"Solution {name!r} was made with {what} {made!r}; recdrop.toml says {wanted!r}. "
                f"A solution's {what} cannot be changed: give the new one another name."
            )
        return arn

    def _find_version(self, solution_arn: str, name: str) -> str:
        """ListSolutionVersions tells no names, and the ARN ends in an id of the service's own."""
        pages = self.client.get_paginator("list_solution_versions")
        listed = call(lambda: list(pages.paginate(solutionArn=solution_arn)))
        for page in listed:
            for summary in page["solutionVersions"]:
                arn = summary["solutionVersionArn"]
                version = call(self.client.describe_solution_version, solutionVersionArn=arn)
                if version["solutionVersion"].get("name") == name:
                    return arn
        raise LookupError(
            f"Solution version {name!r} exists, says Personalize, "
            f"but {solution_arn} lists none of that name."
        )


def unchangeable(made: Mapping[str, Any], solution: Solution) -> dict[str, tuple[Any, Any]]:
    """What the config says of a solution and what it was made with, where they differ: by key.

    Hyperparameters that the config does not name are the service's own.
    """
    there, asked = made.get("solutionConfig", {}), solution_config(solution)
    settings = there.get("algorithmHyperParameters", {})
    named = asked.get("algorithmHyperParameters", {})
    pairs = {
        "recipe": (made["recipeArn"].rpartition("/")[2], solution.recipe),
        "event_type": (made.get("eventType"), solution.event_type),
        "event_value_threshold": tuple(c.get("eventValueThreshold") for c in (there, asked)),
        "event_weights": tuple(_weights(config) for config in (there, asked)),
        "hpo": (made.get("performHPO", False), solution.hpo),
        "settings": ({key: settings.get(key) for key in named}, named),
    }
    return {what: (old, new) for what, (old, new) in pairs.items() if old != new}


def _weights(config: Mapping[str, Any]) -> dict[str, float]:
    events = config.get("eventsConfig", {}).get("eventParametersList", [])
    return {event["eventType"]: float(event.get("weight", 1)) for event in events}


def solution_config(solution: Solution) -> Any:
    """CreateSolution's `solutionConfig`."""
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
        config["eventValueThreshold"] = _digits(solution.event_value_threshold)
    return config


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _digits(number: float) -> str:
    """As the service takes it: digits and a point, never an exponent."""
    return format(Decimal(repr(number)), "f")
