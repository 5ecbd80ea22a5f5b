"""Versions of solutions: trained by hand, by UPDATE, or by the service itself."""

from __future__ import annotations

from recdrop.personalize.control.catalog import Recipe
from recdrop.personalize.control.courses import PENDING
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InUseError, InvalidInputError
from recdrop.personalize.kinds.snapshots import fingerprint, remember_bulk, snapshot
from recdrop.personalize.kinds.training import (
    as_shown,
    check_trainable,
    find_recipe,
    training_job,
)
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule
from recdrop.service.resources.store import Resource, Step
from recdrop.service.resources.world import Doc, Request

UPDATABLE = ("user-personalization", "hrnn-coldstart")
AUTO_ML_RECIPES = (
    "aws-hrnn",
    "aws-hrnn-metadata",
    "aws-hrnn-coldstart",
    "aws-user-personalization",
)


def versions_of(world: World, solution_arn: str) -> list[Resource]:
    return [
        version
        for version in world.tx.all("SolutionVersion")
        if version.doc["solutionArn"] == solution_arn
    ]


def start_version(world: World, solution: Resource, doc: Doc) -> None:
    # Not through the control plane: nobody has asked, so there is nothing to check or to answer.
    arn = f"{solution.arn}/{world.new_id('version')[:8]}"
    draft = _version_draft(world, solution, doc)
    dates = {"creationDateTime": world.now, "lastUpdatedDateTime": world.now}
    version = Resource(
        arn, "SolutionVersion", {**draft.doc, "solutionVersionArn": arn, **dates}, draft.notes
    )
    world.lifecycle.start(world, version, "create")


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
    return {"name": name, **without_empty_config(version.doc)}


def without_empty_config(doc: Doc) -> Doc:
    """Seen: there is no solutionConfig where none was given."""
    return {name: value for name, value in doc.items() if name != "solutionConfig" or value}


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

KINDS = (
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
