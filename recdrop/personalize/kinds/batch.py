"""Batch inference and batch segment jobs over JSON lines in S3."""

from __future__ import annotations

from recdrop.personalize.control.catalog import Recipe
from recdrop.personalize.control.courses import PENDING
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InvalidInputError
from recdrop.personalize.filters.expressions import Filter, parse
from recdrop.personalize.kinds.snapshots import bulk_snapshot
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request


def _prepare_inference(world: World, request: Request) -> Draft:
    version = world.find_active(request["solutionVersionArn"], "SolutionVersion")
    recipe = world.settings.catalog.recipe(version.doc["recipeArn"])
    if recipe is None or recipe.type in ("USER_SEGMENTATION", "PERSONALIZED_ACTIONS"):
        raise InvalidInputError(f"{version.doc['recipeArn']} has no batch inference.")
    mode = request.get("batchInferenceJobMode", "BATCH_INFERENCE")
    if (mode == "THEME_GENERATION") != ("themeGenerationConfig" in request):
        raise InvalidInputError(
            "themeGenerationConfig goes with batchInferenceJobMode THEME_GENERATION."
        )
    if mode == "THEME_GENERATION" and recipe.engine != "similar-items":
        raise InvalidInputError(f"{recipe.name} generates no themes. Expected aws-similar-items.")
    draft = _prepare(
        world, request, version, recipe, most=world.settings.quotas["batch_results"], default=25
    )
    return Draft({**draft.doc, "batchInferenceJobMode": mode})


def _prepare_segment(world: World, request: Request) -> Draft:
    version = world.find_active(request["solutionVersionArn"], "SolutionVersion")
    recipe = world.settings.catalog.recipe(version.doc["recipeArn"])
    if recipe is None or recipe.type != "USER_SEGMENTATION":
        raise InvalidInputError(
            f"{version.doc['recipeArn']} makes no segments. Expected a USER_SEGMENTATION recipe."
        )
    return _prepare(
        world, request, version, recipe, most=world.settings.quotas["segment_users"], default=100
    )


def _prepare(
    world: World, request: Request, version: Resource, recipe: Recipe, *, most: int, default: int
) -> Draft:
    group = version.doc["datasetGroupArn"]
    world.find_active(version.doc["solutionArn"], "Solution")
    count = request.get("numResults", default)
    if not 1 <= count <= most:
        raise InvalidInputError(f"numResults is {count}. Expected 1 to {most}.")
    source = request["jobInput"]["s3DataSource"]["path"]
    destination = request["jobOutput"]["s3DataDestination"]["path"]
    if not source.startswith("s3://"):
        raise InvalidInputError(f"Invalid S3 input path: {source!r}. Expected s3://bucket/key.")
    if not (destination.startswith("s3://") and destination.endswith("/")):
        raise InvalidInputError(
            f"Invalid S3 output path: {destination!r}. Expected s3://bucket/folder/."
        )
    if destination == source:
        raise InvalidInputError(f"Invalid S3 output path: {destination!r} is the input path.")
    if "filterArn" in request:
        chosen = world.find_active(request["filterArn"], "Filter")
        if chosen.doc["datasetGroupArn"] != group:
            raise InvalidInputError(
                f"{chosen.arn} belongs to another dataset group than {version.arn}."
            )
        _check_filter(
            parse(chosen.doc["filterExpression"], strict=not world.settings.mixed_filters), recipe
        )
    return Draft({"numResults": count, "datasetGroupArn": group})


def _check_filter(chosen: Filter, recipe: Recipe) -> None:
    target = "UserID" if recipe.type == "USER_SEGMENTATION" else "ItemID"
    if chosen.target != target:
        raise InvalidInputError(
            f"The filter chooses {chosen.target}. Expected one of {target} for {recipe.name}."
        )
    if chosen.needs_current_item and recipe.type != "RELATED_ITEMS":
        raise InvalidInputError(
            f"The filter uses CurrentItem. Expected a RELATED_ITEMS recipe, got {recipe.name}."
        )
    if chosen.reads("INTERACTIONS") and recipe.engine == "item-attribute-affinity":
        raise InvalidInputError(
            f"The filter reads Interactions, which {recipe.name} does not allow."
        )


def _job(world: World, job: Resource) -> Doc:
    version = world.find(job.doc["solutionVersionArn"], "SolutionVersion")
    chosen = world.find(job.doc["filterArn"], "Filter") if "filterArn" in job.doc else None
    recipe = world.settings.catalog.recipe(version.doc["recipeArn"])
    assert recipe is not None  # noqa: S101 - checked when the job was made
    return {
        "work": "segment" if job.kind == "BatchSegmentJob" else "infer",
        "model": version.notes["model"],
        "recipe": {"engine": recipe.engine, "type": recipe.type, "has_scores": recipe.has_scores},
        "snapshot": bulk_snapshot(world, world.find(version.doc["solutionArn"], "Solution")),
        "events_after": version.notes["events_upto"],
        "source": job.doc["jobInput"]["s3DataSource"]["path"],
        "destination": job.doc["jobOutput"]["s3DataDestination"]["path"],
        "role": job.doc.get("roleArn"),
        "results": job.doc["numResults"],
        "filter": chosen.doc["filterExpression"] if chosen else None,
        "mixed_filters": world.settings.mixed_filters,
        "config": job.doc.get("batchInferenceJobConfig", {}),
        "themes": job.doc.get("themeGenerationConfig", {}).get("fieldsForThemeGeneration"),
        "queries": {
            "item-affinity": world.settings.quotas["segment_queries_item_affinity"],
            "item-attribute-affinity": world.settings.quotas[
                "segment_queries_item_attribute_affinity"
            ],
        }.get(recipe.engine),
        "seed": world.settings.seed,
    }


KINDS = (
    Kind(
        "BatchInferenceJob",
        "batch-inference-job/{jobName}",
        _prepare_inference,
        quotas=(QuotaRule("batch_inference_jobs_in_progress", states=PENDING),),
        jobs={"create": _job},
    ),
    Kind(
        "BatchSegmentJob",
        "batch-segment-job/{jobName}",
        _prepare_segment,
        quotas=(QuotaRule("batch_segment_jobs_in_progress", states=PENDING),),
        jobs={"create": _job},
    ),
)
