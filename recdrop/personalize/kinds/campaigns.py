"""Campaigns: a version in service.

An update leaves the old version in service until it is through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InUseError, InvalidInputError, NotFoundError
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule, Update
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request

LATEST = "$LATEST"
UNSERVED = ("USER_SEGMENTATION",)


def _prepare(world: World, request: Request) -> Draft:
    config = request.get("campaignConfig", {})
    version = _resolve(world, request["solutionVersionArn"], config)
    return Draft(
        {
            "minProvisionedTPS": request.get("minProvisionedTPS", 1),
            "campaignConfig": config,
            "solutionArn": version.doc["solutionArn"],
            "datasetGroupArn": version.doc["datasetGroupArn"],
        },
        {"version": version.arn},
    )


def _resolve(world: World, version_arn: str, config: Mapping[str, Any]) -> Resource:
    """The version that `version_arn` means, ACTIVE and of a recipe that answers requests."""
    # The service wants both: the switch, and an ARN that says so.
    syncs = config.get("syncWithLatestSolutionVersion", False)
    if syncs != version_arn.endswith(f"/{LATEST}"):
        raise InvalidInputError(
            f"solutionVersionArn is {version_arn!r} "
            f"and syncWithLatestSolutionVersion is {str(syncs).lower()}. "
            f"Expected <solution ARN>/{LATEST} when it is true, and only then."
        )
    version = latest_version(world, version_arn.rpartition("/")[0]) if syncs else None
    version = version or world.find_active(version_arn, "SolutionVersion")
    world.find_active(
        version.doc["solutionArn"], "Solution"
    )  # its versions go with it when it is being deleted
    recipe = world.settings.catalog.recipe(version.doc["recipeArn"])
    if recipe is None or recipe.type in UNSERVED:
        raise InvalidInputError(
            f"{version.arn} is of recipe {version.doc['recipeArn']}, which has no campaigns."
        )
    return version


def latest_version(world: World, solution_arn: str) -> Resource:
    solution = world.find(solution_arn, "Solution")
    active = [
        version
        for version in world.tx.all("SolutionVersion")
        if version.doc["solutionArn"] == solution.arn and version.status == "ACTIVE"
    ]
    if not active:
        raise InvalidInputError(f"{solution.arn} has no ACTIVE solution version.")
    return active[-1]


def _check_update(world: World, campaign: Resource, request: Request) -> Doc:
    if campaign.status not in ("ACTIVE", "CREATE FAILED"):
        raise InUseError(
            f"{campaign.arn} is in status {campaign.status}. Expected ACTIVE or CREATE FAILED."
        )
    kept = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")
    change = {name: request.get(name, campaign.doc[name]) for name in kept}
    version = _resolve(world, change["solutionVersionArn"], change["campaignConfig"])
    if version.doc["solutionArn"] != campaign.doc["solutionArn"]:
        raise InvalidInputError(f"{version.arn} is not a version of {campaign.doc['solutionArn']}.")
    return {**change, "version": version.arn}


def _apply_update(world: World, campaign: Resource, change: Doc) -> Resource:
    # Looked for again: it may have been deleted while the update was under way.
    world.find_active(change["version"], "SolutionVersion")
    names = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")
    doc = {name: change[name] for name in names}
    campaign = campaign.with_doc(**doc, status="ACTIVE", failureReason=None)
    return campaign.with_notes(version=change["version"])


def sync_campaigns(world: World, version: Resource, _payload: Mapping[str, Any]) -> None:
    """A new ACTIVE version: campaigns with syncWithLatestSolutionVersion start an update to it."""
    for campaign in world.tx.all("Campaign"):
        follows = campaign.doc["campaignConfig"].get("syncWithLatestSolutionVersion")
        if (
            not follows
            or campaign.doc["solutionArn"] != version.doc["solutionArn"]
            or campaign.status != "ACTIVE"
        ):
            continue
        kept = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")
        record = {name: campaign.doc[name] for name in kept}
        dates = {"creationDateTime": world.now, "lastUpdatedDateTime": world.now}
        record = {**record, **dates, "version": version.arn}
        world.lifecycle.start(
            world, campaign.with_doc(latestCampaignUpdate=record), "create", "latestCampaignUpdate"
        )


def check_served(world: World, campaign: Resource, _result: Doc) -> Resource:
    """A campaign starts to serve: its version must still be there."""
    if world.tx.get(campaign.notes["version"]) is None:
        raise NotFoundError.of(campaign.notes["version"])
    return campaign


ACTIONS = {"sync-campaigns": sync_campaigns}

KINDS = (
    Kind(
        "Campaign",
        "campaign/{name}",
        _prepare,
        quotas=(QuotaRule("campaigns_per_group", scope="datasetGroupArn"),),
        update=Update("latestCampaignUpdate", _check_update, _apply_update),
        done={"create": check_served},
    ),
)
