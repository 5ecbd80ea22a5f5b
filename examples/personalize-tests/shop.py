"""A shop's own code on Amazon Personalize: what the tests beside it test."""

from __future__ import annotations

import time
from typing import Any

import boto3


def recommend(campaign_arn: str, user: str, count: int = 5) -> list[str]:
    """The items for a user's front page."""
    found = boto3.client("personalize-runtime").get_recommendations(
        campaignArn=campaign_arn, userId=user, numResults=count
    )
    return [item["itemId"] for item in found["itemList"]]


def recommend_of_genre(campaign_arn: str, filter_arn: str, user: str, genre: str) -> list[str]:
    """The items of a genre."""
    found = boto3.client("personalize-runtime").get_recommendations(
        campaignArn=campaign_arn,
        userId=user,
        numResults=5,
        filterArn=filter_arn,
        filterValues={"GENRE": f'"{genre}"'},
    )
    return [item["itemId"] for item in found["itemList"]]


def viewed(tracking_id: str, user: str, item: str) -> None:
    """A user looked at an item."""
    event: Any = {"eventType": "view", "itemId": item, "sentAt": time.time()}
    boto3.client("personalize-events").put_events(
        trackingId=tracking_id, userId=user, sessionId=user, eventList=[event]
    )


def promote(campaign_arn: str, version_arn: str, pause: float = 60.0) -> str:
    """Puts a version into service; the status it ends with.

    The campaign itself stays ACTIVE all the while: what tells is its latest update.
    """
    personalize = boto3.client("personalize")
    personalize.update_campaign(campaignArn=campaign_arn, solutionVersionArn=version_arn)
    while True:
        campaign = personalize.describe_campaign(campaignArn=campaign_arn)["campaign"]
        status = campaign["latestCampaignUpdate"]["status"]
        if status in ("ACTIVE", "CREATE FAILED"):
            return str(status)
        time.sleep(pause)


def retrain(solution_arn: str) -> str:
    """A new version of the solution, on its way."""
    made = boto3.client("personalize").create_solution_version(solutionArn=solution_arn)
    return str(made["solutionVersionArn"])
