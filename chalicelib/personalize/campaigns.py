"""Campaigns.

During an update the outer status stays ACTIVE and the old version serves: what counts is
`latestCampaignUpdate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.errors import ResourcePending, code_of
from chalicelib.personalize.arns import Arns
from chalicelib.personalize.ensure import State, create_once, ready

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

    from chalicelib.config.sections import Campaign


def describe(client: PersonalizeClient, arn: str) -> State | None:
    try:
        return client.describe_campaign(campaignArn=arn)["campaign"]
    except Exception as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise


def serving_version(state: State | None) -> str | None:
    """The version that answers now."""
    return state["solutionVersionArn"] if state else None


def ensure_serves(
    client: PersonalizeClient,
    arns: Arns,
    name: str,
    version_arn: str,
    wanted: Campaign,
    *,
    metadata: bool,
) -> str:
    """The campaign's ARN once it serves `version_arn`.

    Raises:
        ResourcePending: being created or updated.
        ResourceFailed: the update failed; the version that served before still does.
    """
    arn, what = arns.campaign(name), f"campaign {name!r}"
    state = describe(client, arn)
    arguments: Any = {
        "solutionVersionArn": version_arn,
        "minProvisionedTPS": wanted.min_provisioned_tps,
        "campaignConfig": campaign_config(wanted, metadata=metadata),
    }
    if state is None:
        create_once(what, lambda: client.create_campaign(name=name, **arguments))
        raise ResourcePending(f"{what}: created")
    update = state.get("latestCampaignUpdate")
    if update and update["solutionVersionArn"] == version_arn:
        ready(f"{what}, its update", update)
    ready(what, state)
    if serving_version(state) == version_arn:
        return arn
    create_once(what, lambda: client.update_campaign(campaignArn=arn, **arguments))
    raise ResourcePending(f"{what}: update to {version_arn.rsplit('/', 1)[-1]} asked for")


def campaign_config(wanted: Campaign, *, metadata: bool) -> dict[str, Any]:
    exploration = {
        "explorationWeight": wanted.exploration_weight,
        "explorationItemAgeCutOff": wanted.exploration_item_age_cut_off,
    }
    settings = {key: str(value) for key, value in exploration.items() if value is not None}
    config: dict[str, Any] = {"enableMetadataWithRecommendations": metadata}
    return {**config, "itemExplorationConfig": settings} if settings else config
