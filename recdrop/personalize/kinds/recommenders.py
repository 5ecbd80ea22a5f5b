"""Recommenders of domain dataset groups: train, serve, stop, start, and train again every week."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InUseError, InvalidInputError
from recdrop.personalize.kinds.training import (
    as_shown,
    check_trainable,
    find_recipe,
    training_job,
)
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule, Update
from recdrop.service.resources.store import Resource, Step
from recdrop.service.resources.world import Doc, Request


def _prepare(world: World, request: Request) -> Draft:
    group = world.find_active(request["datasetGroupArn"], "DatasetGroup")
    recipe = find_recipe(world, request["recipeArn"])
    if not group.doc.get("domain") or recipe.domain != group.doc["domain"]:
        raise InvalidInputError(
            f"{recipe.arn} is for domain {recipe.domain!r}, "
            f"{group.arn} has domain {group.doc.get('domain')!r}. "
            "Expected a use case of the group's domain."
        )
    check_trainable(world, group.arn, recipe)
    config = {"minRecommendationRequestsPerSecond": 1, **request.get("recommenderConfig", {})}
    return Draft({"recommenderConfig": config})


def _job(world: World, recommender: Resource) -> Doc:
    recipe = find_recipe(world, recommender.doc["recipeArn"])
    # Of its config only this is for the training; the rest is for serving.
    training_data = recommender.doc["recommenderConfig"].get("trainingDataConfig")
    config = {"trainingDataConfig": training_data} if training_data else {}
    return training_job(
        world, recommender.doc["datasetGroupArn"], [recipe], config, event_type=recipe.event_type
    )


def _trained(world: World, recommender: Resource, result: Doc) -> Resource:
    world.tx.cancel(recommender.arn, "retrain")
    # From the end of the training: a long one is not followed by the next at once.
    again = world.now + world.settings.latency.recommender_retraining
    world.tx.schedule(Step(again, recommender.arn, "retrain"))
    kept = ("model", "metrics", "events_upto", "rows")
    notes = {name: result[name] for name in kept}
    return recommender.with_doc(modelMetrics=as_shown(result["metrics"])).with_notes(**notes)


def retrain(world: World, recommender: Resource, _payload: Mapping[str, Any]) -> None:
    """The weekly training: the old model serves until the new one is there.

    A stopped one waits for its start.
    """
    if recommender.status == "ACTIVE":
        world.lifecycle.start(world, recommender, "retrain")


def _started(world: World, recommender: Resource, _result: Doc) -> Resource:
    again = world.now + world.settings.latency.recommender_retraining
    world.tx.schedule(Step(again, recommender.arn, "retrain"))
    return recommender


def _check_update(_world: World, recommender: Resource, request: Request) -> Doc:
    if recommender.status not in ("ACTIVE", "INACTIVE", "CREATE FAILED"):
        raise InUseError(
            f"{recommender.arn} is in status {recommender.status}. Expected ACTIVE or CREATE FAILED."
        )
    return {"recommenderConfig": request["recommenderConfig"]}


def _apply_update(world: World, recommender: Resource, change: Doc) -> Resource:
    before = recommender.doc["recommenderConfig"]
    changed = recommender.with_doc(recommenderConfig={**before, **change["recommenderConfig"]})
    if changed.doc["recommenderConfig"].get("trainingDataConfig") != before.get(
        "trainingDataConfig"
    ):
        world.tx.schedule(Step(world.now, recommender.arn, "retrain"))
    return changed


def stop_recommender(world: World, request: Request) -> Doc:
    recommender = world.find(request["recommenderArn"], "Recommender")
    _expect_status(recommender, "ACTIVE")
    world.tx.cancel(recommender.arn, "retrain")
    return world.lifecycle.start(world, recommender, "stop").doc


def start_recommender(world: World, request: Request) -> Doc:
    recommender = world.find(request["recommenderArn"], "Recommender")
    _expect_status(recommender, "INACTIVE")
    return world.lifecycle.start(world, recommender, "start").doc


def _expect_status(recommender: Resource, expected: str) -> None:
    if recommender.status != expected:
        raise InUseError(
            f"{recommender.arn} is in status {recommender.status}. Expected {expected}."
        )


SPECIALS = {"StopRecommender": stop_recommender, "StartRecommender": start_recommender}
ACTIONS = {"retrain": retrain}

KINDS = (
    Kind(
        "Recommender",
        "recommender/{name}",
        _prepare,
        quotas=(QuotaRule("recommenders_per_group", scope="datasetGroupArn"),),
        update=Update("latestRecommenderUpdate", _check_update, _apply_update),
        jobs={"create": _job, "retrain": _job},
        done={"create": _trained, "retrain": _trained, "start": _started},
    ),
)
