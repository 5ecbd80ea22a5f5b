"""The API over the local Personalize: trained models, a filter, an event tracker, nothing faked in
between.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.chalicelib.house import House, encode
from tests.recdrop.personalize.conftest import aws, s3_endpoint, shared_app, shared_aws
from tests.recdrop.personalize.driving import GENRES, Aws, deploy, make_group, train

__all__ = ["aws", "s3_endpoint", "shared_app", "shared_aws"]

# Three trainings take half a minute on a busy machine; the same questions are asked of fakes in
# test_recommend.py.
pytestmark = pytest.mark.slow

WITH_METADATA = {"enableMetadataWithRecommendations": True}


@pytest.fixture(scope="module")
def served(aws: Aws) -> dict[str, dict[str, object]]:
    """The serving records of a group with three solutions."""
    group = make_group(aws, "serving")
    tracker = aws.personalize.create_event_tracker(name="serving", datasetGroupArn=group.arn)
    aws.wait(aws.personalize.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    filters = {}
    for name, expression in {
        "genre": "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)",
        "not-purchased": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
        "cheap": "INCLUDE ItemID WHERE Items.PRICE <= $PRICE",
    }.items():
        made = aws.personalize.create_filter(
            name=f"serving-{name}", datasetGroupArn=group.arn, filterExpression=expression
        )
        aws.wait(aws.personalize.describe_filter, filterArn=made["filterArn"])
        filters[name] = made["filterArn"]
    recipes = {
        "for-you": ("aws-user-personalization-v2", "USER_PERSONALIZATION"),
        "similar": ("aws-similar-items", "RELATED_ITEMS"),
        "rank": ("aws-personalized-ranking-v2", "PERSONALIZED_RANKING"),
    }
    records: dict[str, dict[str, object]] = {}
    for solution, (recipe, recipe_type) in recipes.items():
        version = train(aws, group, recipe)
        records[solution] = {
            "recipe": recipe,
            "recipe_type": recipe_type,
            "campaign_arn": deploy(
                aws, version, f"serving-{solution}", campaignConfig=WITH_METADATA
            ),
            "solution_version_arn": version,
            "metadata_columns": ["GENRE", "PRICE"],
            "filters": filters,
            "tracker": tracker["trackingId"],
        }
    return records


@pytest.fixture
def real(house: House, aws: Aws, served: dict[str, dict[str, Any]]) -> House:
    house.runtime = aws.runtime  # type: ignore[assignment]
    house.tracker = aws.events  # type: ignore[assignment]
    for solution, record in served.items():
        house.serve("serving", solution, **record)
    house.serve_popular("i0", "i1", group="serving")
    return house


def genres(items: list[str]) -> set[str]:
    return {GENRES[int(item[1:]) % 4] for item in items}


def test_recommendations_come_from_the_campaign_with_metadata(real: House) -> None:
    answered = real.get("/recommendations/u1?numResults=5")
    assert answered.json["source"] == "campaign"
    assert len(answered.items) == 5
    first = answered.json["items"][0]
    assert first["metadata"]["GENRE"] in GENRES
    assert first["score"] > 0


def test_an_unknown_user_gets_popular_items_and_it_is_said_so(real: House) -> None:
    answered = real.get("/recommendations/nobody?numResults=5").json
    assert (answered["source"], answered["user"], answered["reason"]) == (
        "campaign",
        "unknown",
        "Popular item",
    )
    assert "user" not in real.get("/recommendations/u1?numResults=5").json


def test_filters_take_text_lists_and_numbers(real: House) -> None:
    def ask(name: str, values: str) -> list[str]:
        return real.get(
            f"/recommendations/u1?numResults=8&filter={name}&filterValues={encode(values)}"
        ).items

    assert genres(ask("genre", '{"GENRE":"horror"}')) == {"horror"}
    assert genres(ask("genre", '{"GENRE":["horror","comedy"]}')) <= {"horror", "comedy"}
    assert all(int(item[1:]) * 1.5 <= 15 for item in ask("cheap", '{"PRICE":15}'))


def test_a_filter_with_a_missing_value_is_the_callers_to_repair(real: House) -> None:
    answered = real.get("/recommendations/u1?filter=genre")
    assert answered.status == 400
    assert "GENRE" in answered.error["message"]


def test_similar_and_ranked_items(real: House) -> None:
    similar = real.get("/similar/i5?numResults=5")
    assert similar.json["source"] == "campaign"
    assert "i5" not in similar.items
    ranked = real.post("/rank", {"userId": "u1", "items": ["i0", "i1", "i2", "unheard-of"]})
    assert ranked.json["source"] == "campaign"
    assert ranked.items[0] == "i1"
    assert ranked.items[-1] == "unheard-of"


def test_events_change_the_next_answer(real: House) -> None:
    before = real.get("/recommendations/newcomer?numResults=5")
    assert before.json["user"] == "unknown"
    events = [
        {"userId": "newcomer", "eventType": "view", "itemId": f"i{n}", "sentAt": 1_700_000_000 + n}
        for n in (3, 7, 11)
    ]
    assert real.post("/events", {"events": events}).json == {"accepted": 3}
    after = real.get("/recommendations/newcomer?numResults=5")
    assert "user" not in after.json
    assert after.items != before.items


def test_a_batch_of_rows_gets_what_the_route_gives(real: House) -> None:
    rows = [[number, f"u{number % 7}", 3, None] for number in range(50)]
    data = real.post("/snowflake/recommend", {"data": rows}).json["data"]
    of_u3 = [item["itemId"] for item in data[3][1]["items"]]
    assert of_u3 == real.get("/recommendations/u3?numResults=3").items
    assert data[3][1] == data[10][1]


def test_a_campaign_that_is_gone_gives_the_popular_list(real: House) -> None:
    real.serve(
        "serving", "gone", campaign_arn="arn:aws:personalize:us-east-1:000000000000:campaign/gone"
    )
    answered = real.get("/recommendations/u1?solution=gone").json
    assert (answered["source"], answered["reason"]) == (
        "fallback",
        "The campaign, or its filter, is not there (ResourceNotFoundException).",
    )


def test_new_items_and_users_are_taken_and_wrong_ones_named(real: House) -> None:
    item = {
        "itemId": "i900",
        "properties": {"genre": "horror", "price": 1.5, "creationTimestamp": 1_700_000_000},
    }
    user = {"userId": "u900", "properties": {"age": 30, "tier": "gold"}}
    assert real.post("/events", {"items": [item], "users": [user]}).json == {"accepted": 2}
    answered = real.post(
        "/events", {"items": [item, {"itemId": "i901", "properties": {"colour": "red"}}]}
    )
    assert (answered.status, answered.json["accepted"]) == (400, 1)
    assert answered.error["rejected"][0]["index"] == 1
