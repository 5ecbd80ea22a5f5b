"""Solutions: what is trained how, and when the service trains it by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from recdrop.personalize.control.catalog import Recipe
from recdrop.personalize.control.courses import BORN, PENDING
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InUseError, InvalidInputError
from recdrop.personalize.kinds.snapshots import fingerprint, snapshot
from recdrop.personalize.kinds.training import find_recipe
from recdrop.personalize.kinds.versions import start_version, versions_of, without_empty_config
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule, Update
from recdrop.service.resources.store import Resource, Step
from recdrop.service.resources.world import Doc, Request

DEFAULT_SCHEDULE = "rate(7 days)"
DAY = 86400.0


def _prepare_solution(world: World, request: Request) -> Draft:
    world.find_active(request["datasetGroupArn"], "DatasetGroup")
    auto_ml, config = request.get("performAutoML", False), request.get("solutionConfig", {})
    if auto_ml == ("recipeArn" in request):
        raise InvalidInputError("Expected either recipeArn or performAutoML=true, and not both.")
    if "recipeArn" in request:
        _check_recipe_config(find_recipe(world, request["recipeArn"]), request, config)
    _check_events(request.get("eventType"), config)
    automatic = request.get("performAutoTraining", True)
    schedule = {"schedulingExpression": DEFAULT_SCHEDULE, **config.get("autoTrainingConfig", {})}
    _days(schedule["schedulingExpression"])
    return Draft(
        {
            "performAutoML": auto_ml,
            "performHPO": request.get("performHPO", False),
            "performAutoTraining": automatic,
            "solutionConfig": {**config, "autoTrainingConfig": schedule} if automatic else config,
        }
    )


def _check_recipe_config(recipe: Recipe, request: Request, config: Mapping[str, Any]) -> None:
    if recipe.domain:
        raise InvalidInputError(
            f"{recipe.arn} is for recommenders of {recipe.domain} groups, not for solutions."
        )
    problem = recipe.problem_with(config.get("algorithmHyperParameters", {}))
    if problem:
        raise InvalidInputError(problem)
    if "optimizationObjective" in config and not recipe.engine.startswith("user-personalization"):
        raise InvalidInputError(
            f"{recipe.name} has no optimizationObjective. Expected a User-Personalization recipe."
        )
    if request.get("performIncrementalUpdate") and recipe.engine != "semantic-similarity":
        raise InvalidInputError(
            f"{recipe.name} has no performIncrementalUpdate. Expected aws-semantic-similarity."
        )
    if "autoMLConfig" in config:
        raise InvalidInputError("autoMLConfig goes with performAutoML=true.")


def _check_events(event_type: str | None, config: Mapping[str, Any]) -> None:
    threshold = config.get("eventValueThreshold")
    if threshold is not None and not re.fullmatch(r"-?\d+(\.\d+)?", threshold):
        raise InvalidInputError(f"eventValueThreshold has value {threshold!r}. Expected a number.")
    if threshold is not None and event_type is None:
        raise InvalidInputError("eventValueThreshold goes with eventType.")
    parameters = config.get("eventsConfig", {}).get("eventParametersList", [])
    if parameters and event_type is not None:
        raise InvalidInputError(
            "eventsConfig replaces eventType and eventValueThreshold. Expected one of the two."
        )
    types = [entry.get("eventType") for entry in parameters]
    if None in types or len(set(types)) != len(types):
        raise InvalidInputError(f"eventsConfig names event types {types}. Expected each once.")


def _days(expression: str) -> int:
    days = int(re.findall(r"\d+", expression)[0])
    if not 1 <= days <= 30:
        raise InvalidInputError(f"schedulingExpression is {expression!r}. Expected 1 to 30 days.")
    return days


def _solution_created(world: World, solution: Resource, _result: Doc) -> Resource:
    if solution.doc["performAutoTraining"]:
        _schedule_training(world, solution, world.settings.latency.first_automatic_training)
    return solution


def _schedule_training(world: World, solution: Resource, seconds: float) -> None:
    world.tx.cancel(solution.arn, "train-automatically")
    world.tx.schedule(
        Step(world.now + seconds, solution.arn, "train-automatically", {"planned": world.now})
    )


def train_automatically(world: World, solution: Resource, payload: Mapping[str, Any]) -> None:
    """A due automatic training.

    It trains only when interactions arrived since the last version, and none was made by hand.
    """
    if not solution.doc["performAutoTraining"] or solution.status != "ACTIVE":
        return
    # The next one first: whatever comes of this one, training goes on.
    _schedule_training(world, solution, _days(_schedule_of(solution)) * DAY)
    versions = versions_of(world, solution.arn)
    made_since = [
        version for version in versions if version.doc["creationDateTime"] >= payload["planned"]
    ]
    data = snapshot(world, solution.doc["datasetGroupArn"])
    seen = versions[-1].notes.get("interactions") if versions else None
    if not made_since and data["datasets"] and fingerprint(data, interactions_only=True) != seen:
        start_version(world, solution, {"trainingMode": "AUTOTRAIN", "trainingType": "AUTOMATIC"})


def _schedule_of(solution: Resource) -> str:
    config = solution.doc["solutionConfig"].get("autoTrainingConfig", {})
    return str(config.get("schedulingExpression", DEFAULT_SCHEDULE))


def _show_solution(world: World, solution: Resource) -> Doc:
    versions = versions_of(world, solution.arn)
    latest = {"latestSolutionVersion": versions[-1].doc} if versions else {}
    return {**without_empty_config(solution.doc), **latest}


def _check_solution_update(_world: World, solution: Resource, request: Request) -> Doc:
    if solution.status != "ACTIVE":
        raise InUseError(f"{solution.arn} is in status {solution.status}. Expected ACTIVE.")
    change = {name: value for name, value in request.items() if name != "solutionArn"}
    if not change:
        raise InvalidInputError(
            "Nothing to update. Expected performAutoTraining or solutionUpdateConfig."
        )
    config = change.get("solutionUpdateConfig", {})
    _check_events(solution.doc.get("eventType"), config)
    _days(config.get("autoTrainingConfig", {}).get("schedulingExpression", DEFAULT_SCHEDULE))
    return change


def _apply_solution_update(world: World, solution: Resource, change: Doc) -> Resource:
    automatic = change.get("performAutoTraining", solution.doc["performAutoTraining"])
    config = {**solution.doc["solutionConfig"], **change.get("solutionUpdateConfig", {})}
    if automatic:
        config.setdefault("autoTrainingConfig", {"schedulingExpression": DEFAULT_SCHEDULE})
    doc = {"performAutoTraining": automatic, "solutionConfig": config}
    if "performIncrementalUpdate" in change:
        doc["performIncrementalUpdate"] = change["performIncrementalUpdate"]
    # Only a change of the schedule starts it anew: another change must not put training off.
    before, solution = solution, solution.with_doc(**doc)
    if not automatic:
        world.tx.cancel(solution.arn, "train-automatically")
    elif not before.doc["performAutoTraining"] or _schedule_of(before) != _schedule_of(solution):
        _schedule_training(world, solution, _days(_schedule_of(solution)) * DAY)
    return solution


def _check_solution_delete(world: World, solution: Resource) -> None:
    campaigns = [
        campaign
        for campaign in world.tx.all("Campaign")
        if campaign.doc["solutionArn"] == solution.arn
    ]
    pending = [version for version in versions_of(world, solution.arn) if version.status in PENDING]
    for user in (*campaigns, *pending):
        raise InUseError(f"{solution.arn} is used by {user.arn}, which is in status {user.status}.")


def _solution_deleted(world: World, solution: Resource, _result: Doc) -> Resource:
    for version in versions_of(world, solution.arn):
        world.tx.delete(version)
    return solution


ACTIONS = {"train-automatically": train_automatically}

KINDS = (
    Kind(
        "Solution",
        "solution/{name}",
        _prepare_solution,
        course=BORN,
        quotas=(QuotaRule("solutions_per_group", scope="datasetGroupArn"),),
        update=Update("latestSolutionUpdate", _check_solution_update, _apply_solution_update),
        check_delete=_check_solution_delete,
        done={BORN: _solution_created, "delete": _solution_deleted},
        show=_show_solution,
    ),
)
