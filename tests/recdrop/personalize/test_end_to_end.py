"""What a pipeline does with the service, by boto3, on really trained models."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.recdrop.personalize.driving import GENRES, ROLE, Aws, Group, deploy, train


@pytest.fixture(scope="module")
def version(aws: Aws, group: Group) -> str:
    return train(aws, group, "aws-user-personalization-v2")


@pytest.fixture(scope="module")
def campaign(aws: Aws, version: str) -> str:
    return deploy(
        aws, version, "for-you", campaignConfig={"enableMetadataWithRecommendations": True}
    )


@pytest.fixture(scope="module")
def tracking_id(aws: Aws, group: Group) -> str:
    tracker = aws.personalize.create_event_tracker(name="shop", datasetGroupArn=group.arn)
    aws.wait(aws.personalize.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    return tracker["trackingId"]


def genre(item: str) -> str:
    return GENRES[int(item[1:]) % 4]


def test_recommendations_follow_what_the_user_likes(aws: Aws, campaign: str) -> None:
    found = aws.runtime.get_recommendations(campaignArn=campaign, userId="u1", numResults=8)[
        "itemList"
    ]
    assert len(found) == 8
    assert sum(genre(item["itemId"]) == "drama" for item in found) >= 6
    assert [item["score"] for item in found] == sorted(
        (item["score"] for item in found), reverse=True
    )


def test_metrics_are_those_of_the_service(aws: Aws, version: str) -> None:
    metrics = aws.personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]
    assert metrics["normalized_discounted_cumulative_gain_at_10"] > 0
    assert set(metrics) == {
        "coverage",
        "mean_reciprocal_rank_at_25",
        *(f"normalized_discounted_cumulative_gain_at_{k}" for k in (5, 10, 25)),
        *(f"precision_at_{k}" for k in (5, 10, 25)),
    }
    assert all(value == round(value, 4) for value in metrics.values())


def test_all_metrics_with_all_decimals_are_at_a_page(aws: Aws, version: str) -> None:
    with urllib.request.urlopen(f"{aws.url}/_personalize/metrics") as answer:
        told = {row["arn"]: row["metrics"] for row in json.load(answer)}
    shown = aws.personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]
    assert "standard_ndcg_at_10" in told[version]
    assert {name: round(told[version][name], 4) for name in shown} == shown


def test_scores_have_seven_decimals(aws: Aws, campaign: str) -> None:
    found = aws.runtime.get_recommendations(campaignArn=campaign, userId="u1")["itemList"]
    assert all(item["score"] == round(item["score"], 7) for item in found)


def test_an_unknown_user_gets_popular_items(aws: Aws, campaign: str) -> None:
    found = aws.runtime.get_recommendations(campaignArn=campaign, userId="nobody")["itemList"]
    assert len(found) == 25
    assert all(item["reason"] == ["Popular item"] for item in found)


def test_a_new_event_changes_the_next_answer(aws: Aws, tracking_id: str, campaign: str) -> None:
    def answer() -> list[str]:
        found = aws.runtime.get_recommendations(
            campaignArn=campaign, userId="newcomer", numResults=5
        )
        return [item["itemId"] for item in found["itemList"]]

    before = answer()
    for number in (3, 7, 11):
        aws.events.put_events(
            trackingId=tracking_id,
            userId="newcomer",
            sessionId="s1",
            eventList=[{"eventType": "view", "itemId": f"i{number}", "sentAt": datetime.now(UTC)}],
        )
    assert answer() != before
    assert [genre(item) for item in answer()].count("horror") >= 3


def test_a_filter_leaves_a_full_answer(aws: Aws, group: Group, campaign: str) -> None:
    made = aws.personalize.create_filter(
        name="by-genre",
        datasetGroupArn=group.arn,
        filterExpression="INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)",
    )
    aws.wait(aws.personalize.describe_filter, filterArn=made["filterArn"])
    found = aws.runtime.get_recommendations(
        campaignArn=campaign,
        userId="u1",
        numResults=10,
        filterArn=made["filterArn"],
        filterValues={"GENRE": '"horror"'},
        metadataColumns={"ITEMS": ["GENRE", "CREATION_TIMESTAMP"]},
    )["itemList"]
    assert len(found) == 10
    assert {item["metadata"]["GENRE"] for item in found} == {"horror"}
    assert found[0]["metadata"]["CREATION_TIMESTAMP"] == "1500000000"


def test_purchased_items_can_be_left_out(aws: Aws, group: Group, campaign: str) -> None:
    made = aws.personalize.create_filter(
        name="not-purchased",
        datasetGroupArn=group.arn,
        filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")',
    )
    aws.wait(aws.personalize.describe_filter, filterArn=made["filterArn"])
    everything = aws.runtime.get_recommendations(campaignArn=campaign, userId="u2", numResults=40)[
        "itemList"
    ]
    left = aws.runtime.get_recommendations(
        campaignArn=campaign, userId="u2", numResults=40, filterArn=made["filterArn"]
    )["itemList"]
    assert 0 < len(left) < len(everything) == 40


def test_batch_inference_writes_a_line_for_every_line(aws: Aws, version: str) -> None:
    lines = [json.dumps({"userId": f"u{number}"}) for number in range(5)] + [
        '{"itemId": "i1"}',
        "nonsense",
    ]
    aws.s3.put_object(Bucket="data", Key="batch/users.json", Body="\n".join(lines).encode())
    job = aws.personalize.create_batch_inference_job(
        jobName="nightly",
        solutionVersionArn=version,
        numResults=7,
        jobInput={"s3DataSource": {"path": "s3://data/batch/users.json"}},
        jobOutput={"s3DataDestination": {"path": "s3://data/out/"}},
        roleArn=ROLE,
    )["batchInferenceJobArn"]
    done = aws.wait(aws.personalize.describe_batch_inference_job, batchInferenceJobArn=job)
    assert done["status"] == "ACTIVE", done
    body = aws.s3.get_object(Bucket="data", Key="out/users.json.out")["Body"].read().decode()
    output = [json.loads(line) for line in body.splitlines()]
    assert [line["input"] for line in output[:2]] == [{"userId": "u0"}, {"userId": "u1"}]
    assert len(output[0]["output"]["recommendedItems"]) == len(output[0]["output"]["scores"]) == 7
    assert [line["error"] is None for line in output] == [True] * 5 + [False] * 2


def test_the_old_version_serves_until_the_update_is_through(
    aws: Aws, campaign: str, version: str
) -> None:
    solution = version.rpartition("/")[0]
    second = aws.personalize.create_solution_version(solutionArn=solution, name="second")[
        "solutionVersionArn"
    ]
    assert second == f"{solution}/second"
    aws.wait(aws.personalize.describe_solution_version, solutionVersionArn=second)
    aws.personalize.update_campaign(campaignArn=campaign, solutionVersionArn=second)
    while True:
        described = aws.personalize.describe_campaign(campaignArn=campaign)["campaign"]
        assert described["status"] == "ACTIVE"
        if described["latestCampaignUpdate"]["status"] == "ACTIVE":
            break
        assert described["solutionVersionArn"] == version
    assert described["solutionVersionArn"] == second


def test_ranking_puts_unknown_items_last(aws: Aws, group: Group) -> None:
    campaign = deploy(aws, train(aws, group, "aws-personalized-ranking-v2"), "ranking")
    ranked = aws.runtime.get_personalized_ranking(
        campaignArn=campaign, userId="u1", inputList=["missing", "i4", "i5", "i6"]
    )["personalizedRanking"]
    assert ranked[0]["itemId"] == "i5"
    assert ranked[-1]["itemId"] == "missing"


@pytest.mark.parametrize("recipe", ["aws-similar-items", "aws-sims", "aws-popularity-count"])
def test_other_recipes_answer(aws: Aws, group: Group, recipe: str) -> None:
    campaign = deploy(aws, train(aws, group, recipe), recipe.removeprefix("aws-"))
    found = aws.runtime.get_recommendations(
        campaignArn=campaign, itemId="i1", userId="u1", numResults=6
    )["itemList"]
    assert len(found) == 6
    assert all("score" not in item for item in found)


def test_a_streamed_item_changes_filters_and_metadata_at_once(
    aws: Aws, group: Group, campaign: str
) -> None:
    made = aws.personalize.create_filter(
        name="musicals",
        datasetGroupArn=group.arn,
        filterExpression='INCLUDE ItemID WHERE Items.GENRE IN ("musical")',
    )
    aws.wait(aws.personalize.describe_filter, filterArn=made["filterArn"])

    def musicals() -> list[tuple[str, str]]:
        found = aws.runtime.get_recommendations(
            campaignArn=campaign,
            userId="u1",
            filterArn=made["filterArn"],
            metadataColumns={"ITEMS": ["GENRE"]},
        )["itemList"]
        return [(item["itemId"], item["metadata"]["GENRE"]) for item in found]

    assert musicals() == []
    aws.events.put_items(
        datasetArn=group.datasets["ITEMS"],
        items=[
            {"itemId": "i7", "properties": '{"genre": "musical|comedy", "price": 3}'},
            {"itemId": "new"},
        ],
    )
    assert musicals() == [("i7", "musical|comedy")]


def test_events_of_a_session_count_for_the_user_who_logs_in(
    aws: Aws, tracking_id: str, campaign: str
) -> None:
    def see(item: str, event_id: str, **who: str) -> None:
        event = {
            "eventType": "view",
            "itemId": item,
            "eventId": event_id,
            "sentAt": datetime.now(UTC),
        }
        aws.events.put_events(
            trackingId=tracking_id,
            sessionId="anonymous-session",
            eventList=[event],  # type: ignore[list-item]
            **who,
        )

    def answer(user: str) -> list[dict[str, Any]]:
        found = aws.runtime.get_recommendations(campaignArn=campaign, userId=user, numResults=6)[
            "itemList"
        ]
        return [{"itemId": item["itemId"], "score": item.get("score")} for item in found]

    before = answer("late")
    for number in (2, 6, 10):
        see(f"i{number}", f"event-{number}")
    assert answer("late") == before
    assert [genre(item["itemId"]) for item in answer("anonymous-session")].count("action") >= 4
    see("i14", "event-14", userId="late")
    known = answer("late")
    assert [genre(item["itemId"]) for item in known].count("action") >= 4
    see("i3", "event-14", userId="late")
    assert answer("late") == known, "an eventId counts once"


def test_promoted_items_take_their_share_at_places_among_the_others(
    aws: Aws, group: Group, campaign: str
) -> None:
    made = aws.personalize.create_filter(
        name="dear",
        datasetGroupArn=group.arn,
        filterExpression="INCLUDE ItemID WHERE Items.PRICE > $PRICE",
    )["filterArn"]
    aws.wait(aws.personalize.describe_filter, filterArn=made)
    found = aws.runtime.get_recommendations(
        campaignArn=campaign,
        userId="u2",
        numResults=10,
        promotions=[
            {
                "name": "dear",
                "percentPromotedItems": 30,
                "filterArn": made,
                "filterValues": {"PRICE": "45"},
            }
        ],
    )["itemList"]
    promoted = [item for item in found if item.get("promotionName") == "dear"]
    assert (len(found), len(promoted)) == (10, 3)
    assert all(
        int(item["itemId"][1:]) > 30 and item["reason"] == ["Promoted item"] for item in promoted
    )
    assert len({item["itemId"] for item in found}) == 10
