"""Campaigns: what serves, and what it answers.

During an update the outer status stays ACTIVE and the old version serves: what counts is
`latestCampaignUpdate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import names
from chalicelib.aws import call
from chalicelib.config.sections import Campaign, Recommender
from chalicelib.personalize.calls import Calls
from chalicelib.personalize.ensure import (
    State,
    change_once,
    check_change,
    describe_if_there,
    ensure,
)

# The config's keys of exploration, and Personalize's.
EXPLORATION = {
    "exploration_weight": "explorationWeight",
    "exploration_item_age_cut_off": "explorationItemAgeCutOff",
}
ANSWERED = 25  # items asked for when a campaign is verified


class Campaigns(Calls):
    """Serving, as the pipeline asks for it."""

    def serving_version(self, group: str, solution: str) -> str | None:
        """The version that answers now; None when the solution has no campaign."""
        state = self._campaign(self.arns.campaign(names.campaign(group, solution)))
        return state["solutionVersionArn"] if state else None

    def serve(
        self, group: str, solution: str, version_arn: str, wanted: Campaign, *, metadata: bool
    ) -> str:
        """The campaign's ARN, once it serves `version_arn`.

        Raises:
            ResourcePending: being created or updated.
            ResourceFailed: the update failed; the version that served before still does.
        """
        name = names.campaign(group, solution)
        arn, what = self.arns.campaign(name), f"campaign {name!r}"
        arguments: Any = {
            "solutionVersionArn": version_arn,
            "minProvisionedTPS": wanted.min_provisioned_tps,
            "campaignConfig": campaign_config(wanted, metadata=metadata),
        }
        state = ensure(
            what,
            lambda: self.client.describe_campaign(campaignArn=arn)["campaign"],
            lambda: self.client.create_campaign(name=name, **arguments),
            delete=lambda _: self.client.delete_campaign(campaignArn=arn),
            memory=self.memory,
        )
        update, moving = state.get("latestCampaignUpdate"), f"{what}, its update to {version_arn}"
        if update and update["solutionVersionArn"] == version_arn:
            check_change(moving, update, self.memory)
        has_metadata = state.get("campaignConfig", {}).get(
            "enableMetadataWithRecommendations", False
        )
        is_the_one = state["solutionVersionArn"] == version_arn and has_metadata == metadata
        if not is_the_one or other_settings(state, wanted):
            change_once(
                moving,
                lambda: self.client.update_campaign(campaignArn=arn, **arguments),
                self.memory,
            )
        return arn

    def ask(
        self, group: str, solution: str, query: Mapping[str, Any], columns: Sequence[str]
    ) -> list[str]:
        """The ids of items, or of actions, that a campaign answers to a batch query, best first.

        Asked for with the metadata `columns` of the items, as the API does.
        """
        arn = self.arns.campaign(names.campaign(group, solution))
        if "itemList" in query:
            ranked = call(
                self.runtime.get_personalized_ranking,
                campaignArn=arn,
                userId=query["userId"],
                inputList=query["itemList"],
            )
            return [item["itemId"] for item in ranked["personalizedRanking"]]
        if "actions" in query:
            found = call(
                self.runtime.get_action_recommendations, campaignArn=arn, userId=query["actions"]
            )
            return [action["actionId"] for action in found["actionList"]]
        arguments: dict[str, Any] = {"campaignArn": arn, "numResults": ANSWERED, **query}
        if columns:
            arguments["metadataColumns"] = {"ITEMS": list(columns)}
        answer = call(self.runtime.get_recommendations, **arguments)
        return [item["itemId"] for item in answer["itemList"]]

    def _campaign(self, arn: str) -> State | None:
        return describe_if_there(lambda: self.client.describe_campaign(campaignArn=arn)["campaign"])


def other_settings(made: Mapping[str, Any], wanted: Campaign) -> dict[str, tuple[Any, Any]]:
    """What the config says of a campaign and what it has, where they differ: by the config's keys."""
    tps = made["minProvisionedTPS"], wanted.min_provisioned_tps
    differing = {"min_provisioned_tps": tps} if tps[0] != tps[1] else {}
    return differing | other_exploration(made.get("campaignConfig", {}), wanted)


def other_exploration(
    made: Mapping[str, Any], wanted: Campaign | Recommender
) -> dict[str, tuple[Any, Any]]:
    """The same of `itemExplorationConfig`. What the config leaves to the service may be anything."""
    there = made.get("itemExplorationConfig", {})
    pairs = {key: (there.get(name), getattr(wanted, key)) for key, name in EXPLORATION.items()}
    return {
        key: (old, new)
        for key, (old, new) in pairs.items()
        if new is not None and (old is None or float(old) != float(new))
    }


def exploration(wanted: Campaign | Recommender) -> dict[str, Any]:
    """`itemExplorationConfig`, where the config says anything of it."""
    named = {name: getattr(wanted, key) for key, name in EXPLORATION.items()}
    settings = {name: str(value) for name, value in named.items() if value is not None}
    return {"itemExplorationConfig": settings} if settings else {}


def campaign_config(wanted: Campaign, *, metadata: bool) -> dict[str, Any]:
    """CreateCampaign's `campaignConfig`."""
    return {"enableMetadataWithRecommendations": metadata, **exploration(wanted)}
