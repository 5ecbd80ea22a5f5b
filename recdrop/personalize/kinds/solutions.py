"""Solutions and their versions: training by hand, by UPDATE, and by the service itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from recdrop.personalize.control.catalog import Recipe
from recdrop.personalize.control.courses import BORN, PENDING
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InUseError, InvalidInputError, NotFoundError
from recdrop.personalize.kinds.snapshots import fingerprint, remember_bulk, snapshot
from recdrop.personalize.kinds.training import as_shown, check_trainable, training_job
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule, Update
from recdrop.service.resources.store import Resource, Step
from recdrop.service.resources.world import Doc, Request

DEFAULT_SCHEDULE = "rate(7 days)"
UPDATABLE = ("user-personalization", "hrnn-coldstart")
AUTO_ML_RECIPES = (
    "aws-hrnn",
    "aws-hrnn-metadata",
    "aws-hrnn-coldstart",
    "aws-user-personalization",
)
DAY = 86400.0


def find_recipe(world: World, arn: str) -> Recipe:
    recipe = world.settings.catalog.recipe(arn)
    if recipe is None:
        raise NotFoundError.of(arn)
    return recipe


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
        _start_version(world, solution, {"trainingMode": "AUTOTRAIN", "trainingType": "AUTOMATIC"})


def _start_version(world: World, solution: Resource, doc: Doc) -> None:
    # Not through the control plane: nobody has asked, so there is nothing to check or to answer.
    arn = f"{solution.arn}/{world.new_id('version')[:8]}"
    draft = _version_draft(world, solution, doc)
    dates = {"creationDateTime": world.now, "lastUpdatedDateTime": world.now}
    version = Resource(
        arn, "SolutionVersion", {**draft.doc, "solutionVersionArn": arn, **dates}, draft.notes
    )
    world.lifecycle.start(world, version, "create")


def _schedule_of(solution: Resource) -> str:
    config = solution.doc["solutionConfig"].get("autoTrainingConfig", {})
    return str(config.get("schedulingExpression", DEFAULT_SCHEDULE))


def versions_of(world: World, solution_arn: str) -> list[Resource]:
    return [
        version
        for version in world.tx.all("SolutionVersion")
        if version.doc["solutionArn"] == solution_arn
    ]


def _show_solution(world: World, solution: Resource) -> Doc:
    versions = versions_of(world, solution.arn)
    latest = {"latestSolutionVersion": versions[-1].doc} if versions else {}
    return {**_without_empty_config(solution.doc), **latest}


def _without_empty_config(doc: Doc) -> Doc:
    """Seen: there is no solutionConfig where none was given."""
    return {name: value for name, value in doc.items() if name != "solutionConfig" or value}


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


def _version_tail(world: World, request: Request) -> str:
    solution = world.find(request["solutionArn"], "Solution")
    return f"solution/{solution.doc['name']}/{request.get('name') or world.new_id('version')[:8]}"


def _prepare_version(world: World, request: Request) -> Draft:
    solution = world.find_active(request["solutionArn"], "Solution")
    mode = request.get("trainingMode", "FULL")
    recipe = world.settings.catalog.recipe(solution.doc.get("recipeArn", ""))
    if mode == "AUTOTRAIN":
        raise InvalidInputError(
            "trainingMode AUTOTRAIN is set by the service. Expected FULL or UPDATE."
        )
    check_trainable(world, solution.doc["datasetGroupArn"], recipe)
    if mode == "UPDATE":
        _check_update_mode(world, solution, recipe)
    return _version_draft(
        world, solution, {**request, "trainingMode": mode, "trainingType": "MANUAL"}
    )


def _version_draft(world: World, solution: Resource, doc: Doc) -> Draft:
    copied = (
        "performHPO",
        "performAutoML",
        "performIncrementalUpdate",
        "recipeArn",
        "eventType",
        "datasetGroupArn",
    )
    inherited = {
        name: solution.doc[name]
        for name in (*copied, "solutionConfig", "solutionArn")
        if name in solution.doc
    }
    data = snapshot(world, solution.doc["datasetGroupArn"])
    world.tx.put(remember_bulk(solution, data))
    notes = {"data": fingerprint(data), "interactions": fingerprint(data, interactions_only=True)}
    return Draft({**inherited, **doc}, notes)


def _check_update_mode(world: World, solution: Resource, recipe: Recipe | None) -> None:
    if recipe is None or recipe.engine not in UPDATABLE:
        name = recipe.name if recipe else "AutoML"
        raise InvalidInputError(
            "trainingMode UPDATE is for aws-user-personalization and aws-hrnn-coldstart, "
            f"not for {name}."
        )
    full = _last_full(world, solution.arn)
    if full is None:
        raise InvalidInputError(
            f"{solution.arn} has no ACTIVE version with trainingMode FULL to update."
        )
    if fingerprint(snapshot(world, solution.doc["datasetGroupArn"])) == full.notes["data"]:
        raise InvalidInputError(
            "There should be updates to at least one dataset after last active solution version "
            "with training mode set to FULL"
        )


def _last_full(world: World, solution_arn: str) -> Resource | None:
    full = [
        version
        for version in versions_of(world, solution_arn)
        if version.status == "ACTIVE" and version.doc["trainingMode"] in ("FULL", "AUTOTRAIN")
    ]
    return full[-1] if full else None


def _version_job(world: World, version: Resource) -> Doc:
    doc = version.doc
    updated = _last_full(world, doc["solutionArn"]) if doc["trainingMode"] == "UPDATE" else None
    if doc.get("performAutoML"):
        listed = doc["solutionConfig"].get("autoMLConfig", {}).get("recipeList")
        arns = listed or [f"arn:aws:personalize:::recipe/{name}" for name in AUTO_ML_RECIPES]
    else:
        arns = [doc["recipeArn"]]
    return training_job(
        world,
        doc["datasetGroupArn"],
        [find_recipe(world, arn) for arn in arns],
        doc["solutionConfig"],
        event_type=doc.get("eventType"),
        hpo=doc["performHPO"],
        previous=updated.notes["model"] if updated else None,
    )


def _trained(world: World, version: Resource, result: Doc) -> Resource:
    """The version gets its model and metrics.

    Campaigns that follow the latest version then start to update.
    """
    # Seen: three decimals. What was trained took some time, however short.
    hours = max(0.001, round(result["seconds"] / 3600, 3))
    doc = {"trainingHours": hours, "recipeArn": result["recipe"]}
    if result.get("tuned"):
        doc["tunedHPOParams"] = {"algorithmHyperParameters": result["tuned"]}
    kept = ("model", "metrics", "events_upto", "rows")
    version = version.with_doc(**doc).with_notes(**{name: result[name] for name in kept})
    solution = world.find(version.doc["solutionArn"], "Solution")
    if solution.doc.get("performAutoML"):
        world.tx.put(solution.with_doc(autoMLResult={"bestRecipeArn": result["recipe"]}))
    world.tx.schedule(Step(world.now, version.arn, "sync-campaigns"))
    return version


def _show_version(_world: World, version: Resource) -> Doc:
    # Seen: a version without a name of its own is called as its ARN ends, solution/version id.
    name = version.arn.partition(":solution/")[2]
    return {"name": name, **_without_empty_config(version.doc)}


def stop_version(world: World, request: Request) -> Doc:
    version = world.find(request["solutionVersionArn"], "SolutionVersion")
    if version.status == "CREATE PENDING":
        # Nothing has begun yet, so there is nothing to wait for.
        world.tx.cancel(version.arn, "proceed", "finish")
        world.tx.put(version.with_doc(status="CREATE STOPPED", lastUpdatedDateTime=world.now))
    elif version.status == "CREATE IN_PROGRESS":
        world.tx.cancel(version.arn, "proceed", "finish")
        world.lifecycle.start(world, version, "halt")
    elif version.status == "CREATE STOPPING":
        raise InUseError(f"{version.arn} is in status CREATE STOPPING already.")
    else:
        raise InvalidInputError(
            f"{version.arn} is in status {version.status}. Expected CREATE PENDING or CREATE IN_PROGRESS."
        )
    return {}


def version_metrics(world: World, request: Request) -> Doc:
    version = world.find(request["solutionVersionArn"], "SolutionVersion")
    if version.status in PENDING:
        raise InUseError(f"{version.arn} is in status {version.status}. Expected ACTIVE.")
    if version.status != "ACTIVE":
        raise InvalidInputError(f"{version.arn} is in status {version.status}. It has no metrics.")
    return {"solutionVersionArn": version.arn, "metrics": as_shown(version.notes["metrics"])}


SPECIALS = {"StopSolutionVersionCreation": stop_version, "GetSolutionMetrics": version_metrics}
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
    Kind(
        "SolutionVersion",
        _version_tail,
        _prepare_version,
        quotas=(QuotaRule("solution_versions_in_progress", states=PENDING),),
        jobs={"create": _version_job},
        done={"create": _trained},
        show=_show_version,
    ),
)
