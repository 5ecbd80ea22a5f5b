"""Tests of `shop.py`, each on a local Personalize of its own: install recdrop and pytest, then `pytest`."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
import shop

import recdrop.personalize


def test_a_user_gets_what_they_like(trained_campaign: Any) -> None:
    found = shop.recommend(trained_campaign.arn, "u1")
    assert len(found) == 5
    assert sum(trained_campaign.genre_of(item) == "drama" for item in found) >= 3


def test_a_filter_keeps_to_a_genre(trained_campaign: Any) -> None:
    found = shop.recommend_of_genre(
        trained_campaign.arn, trained_campaign.genre_filter_arn, "u1", "horror"
    )
    assert {trained_campaign.genre_of(item) for item in found} == {"horror"}


def test_what_a_new_user_views_changes_what_they_get(trained_campaign: Any) -> None:
    before = shop.recommend(trained_campaign.arn, "stranger")
    for item in ("i3", "i7", "i11"):
        shop.viewed(trained_campaign.tracking_id, "stranger", item)
    assert shop.recommend(trained_campaign.arn, "stranger") != before


def test_a_new_version_is_trained_and_promoted(personalize: Any, trained_campaign: Any) -> None:
    version = shop.retrain(trained_campaign.solution_arn)
    personalize.settle()
    assert shop.promote(trained_campaign.arn, version, pause=0.01) == "ACTIVE"


@pytest.mark.personalize_faults(
    {"operation": "UpdateCampaign", "fault": "job", "reason": "No capacity."}
)
def test_a_promotion_that_fails_leaves_the_old_version_serving(trained_campaign: Any) -> None:
    version = trained_campaign.solution_version_arn
    assert shop.promote(trained_campaign.arn, version, pause=0.01) == "CREATE FAILED"
    assert shop.recommend(trained_campaign.arn, "u1")


@pytest.mark.personalize(latency="realistic", speed=10_000)
def test_a_promotion_takes_its_time(personalize_clients: Any, trained_campaign: Any) -> None:
    version = trained_campaign.solution_version_arn
    personalize_clients.control.update_campaign(
        campaignArn=trained_campaign.arn, solutionVersionArn=version
    )
    found = personalize_clients.control.describe_campaign(campaignArn=trained_campaign.arn)
    assert found["campaign"]["latestCampaignUpdate"]["status"] != "ACTIVE"


@recdrop.personalize.mock
def test_without_a_fixture() -> None:
    personalize = boto3.client("personalize")
    personalize.create_dataset_group(name="shop")
    assert len(personalize.list_dataset_groups()["datasetGroups"]) == 1
