"""Domain groups: Snowplow's unloads to the answers of all ten use cases, by the routes that there are."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.shop import DAY, FIRST_DAY, Shop, csv, wait_for

# With a record of its calls it is run by `make check-permissions`, which CI does too.
pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
OWN = "user_id,item_id,timestamp,event_type"
SHOP, MEDIA = "snowplow_recommendations_ecommerce", "snowplow_recommendations_media"


def config(name: str) -> str:
    """An example as it stands, but for how long is waited for the next file."""
    text = (EXAMPLES / name / "recdrop.toml").read_text()
    return text.replace("quiet:5m", "quiet:1s")


def events(kinds: tuple[str, ...], seed: int = 51, users: int = 90, each: int = 40) -> list[str]:
    """Users go round the ten items of their taste; every kind of event comes in turn."""
    rng, rows = random.Random(seed), []
    for user in range(users):
        step = rng.randrange(10)
        for n in range(each):
            step = (step + 1) % 10
            at = FIRST_DAY + int(n * 100 * DAY / each) + rng.randrange(3600)
            rows.append(f"u{user:03d},i{user % 12:02d}{step},{at},{kinds[n % len(kinds)]}")
    return rows


def things(*columns: str) -> list[str]:
    return [",".join((f"i{t:02d}{n}", *columns)) for t in range(12) for n in range(10)]


def in_parts(group: str, folder: str, body: bytes) -> dict[str, bytes]:
    """As Spark writes it, with the marker that comes last."""
    return {
        f"{group}/{folder}/part-00000-tid-1-c000.csv": body,
        f"{group}/{folder}/_SUCCESS": b"",
    }


def results(report: dict[str, Any]) -> dict[str, str]:
    return {one["solution"]: one["result"] for one in report["solutions"]}


def answered(shop: Shop, path: str, group: str) -> tuple[str, str, int]:
    status, answer = shop.get(f"{path}{'&' if '?' in path else '?'}group={group}&numResults=4")
    assert status == 200, answer
    return answer["source"], answer["solution"], len(answer["items"])


@pytest.mark.slow  # six trainings
def test_snowplow_on_snowflake_to_all_use_cases_of_a_shop(shop: Shop) -> None:
    text = config("snowplow-snowflake")
    whole = csv(events(("View", "View", "Purchase")), OWN.upper())
    guests = [f"u{n:03d},{'true' if n % 3 else 'false'}" for n in range(90)]
    shop.drop(
        {
            "plow/recdrop.toml": text.encode(),
            f"plow/{SHOP}_interactions/personalize-dataset.csv": whole,
            f"plow/{SHOP}_items/personalize-dataset.csv": csv(
                things("9.99", "Tea"), "ITEM_ID,PRICE,CATEGORY_L1"
            ),
            f"plow/{SHOP}_users/personalize-dataset.csv": csv(
                guests, "USER_ID,ECOMMERCE_USER_IS_GUEST"
            ),
        }
    )
    report = shop.finish("plow")
    assert report["status"] == "succeeded", report["reason"]
    assert set(results(report).values()) == {"promoted"}
    assert len(results(report)) == 6
    scored = {one["solution"]: one["decision"]["users"] for one in report["solutions"]}
    assert scored["recommended-for-you"] >= 30

    assert answered(shop, "/recommendations/u001", "plow") == ("campaign", "recommended-for-you", 4)
    assert answered(shop, "/popular", "plow") == ("campaign", "best-sellers", 4)
    viewed = "customers-who-viewed-x-also-viewed"
    assert answered(shop, "/similar/i030?userId=u001", "plow") == ("campaign", viewed, 4)
    together = "/similar/i030?userId=u001&solution=frequently-bought-together"
    assert answered(shop, together, "plow")[0] == "campaign"
    assert answered(shop, "/popular?solution=most-viewed", "plow")[1] == "most-viewed"
    ranked = shop.post("/rank?group=plow", {"userId": "u001", "items": ["i010", "i020"]})
    assert (ranked["source"], ranked["solution"]) == ("campaign", "order")


def test_snowplow_on_databricks_is_changed_stopped_and_started(shop: Shop) -> None:
    text = config("snowplow-databricks")
    rows = events(("View",), seed=52)
    items = csv(things("9.99", "Tea"), "item_id,price,category_l1")

    def drop(config_text: str, seed: int) -> dict[str, Any]:
        more = [*rows, f"new{seed},i000,{FIRST_DAY + 101 * DAY + seed},View"]
        shop.drop({"bricks/recdrop.toml": config_text.encode()})
        shop.drop(
            {
                **in_parts("bricks", f"{SHOP}_items", items),
                **in_parts("bricks", f"{SHOP}_interactions", csv(more, OWN)),
            }
        )
        report = shop.finish("bricks")
        assert report["status"] == "succeeded", report["reason"]
        return report

    drop(text, 1)
    # Markers stay where they are: what comes later is complete when nothing more comes.
    text = text.replace('complete = "marker"', 'complete = "quiet:1s"')
    assert answered(shop, "/recommendations/u001", "bricks")[:2] == (
        "campaign",
        "recommended-for-you",
    )
    changed = text.replace(
        'use_case = "aws-ecomm-recommended-for-you"\n',
        'use_case = "aws-ecomm-recommended-for-you"\nmin_requests_per_second = 2\n'
        'exclude_columns = { items = ["PRICE"] }\nstopped = true\n',
    )
    report = drop(changed, 2)
    assert results(report)["recommended-for-you"] == "held"
    [recommender] = recommenders(shop, "bricks-recommended-for-you")
    assert recommender["status"] == "INACTIVE"
    made = recommender["recommenderConfig"]
    assert made["minRecommendationRequestsPerSecond"] == 2
    assert made["trainingDataConfig"] == {"excludedDatasetColumns": {"ITEMS": ["PRICE"]}}
    # Nothing else is personal; what the API reads is kept for ten seconds.
    wait_for(
        lambda: answered(shop, "/recommendations/u002", "bricks")[0] == "fallback", "it to stop", 15
    )
    assert results(drop(changed.replace("stopped = true\n", ""), 3)) == {
        "recommended-for-you": "promoted",
        "customers-who-viewed-x-also-viewed": "promoted",
    }
    wait_for(
        lambda: answered(shop, "/recommendations/u003", "bricks")[0] == "campaign",
        "it to start",
        15,
    )


def recommenders(shop: Shop, name: str) -> list[Any]:
    personalize = shop.stack.boto_client("personalize")
    found = personalize.list_recommenders()["recommenders"]
    return [
        personalize.describe_recommender(recommenderArn=one["recommenderArn"])["recommender"]
        for one in found
        if one["name"] == name
    ]


def test_snowplows_media_to_all_use_cases_of_video_on_demand(shop: Shop) -> None:
    watched = events(("Watch",), seed=53)
    shop.drop({"media/recdrop.toml": config("snowplow-media").encode()})
    catalogue = csv(things("Drama|War", str(FIRST_DAY)), "item_id,genres,creation_timestamp")
    shop.drop(in_parts("media", f"{MEDIA}_items", catalogue))
    shop.drop(in_parts("media", f"{MEDIA}_interactions", csv(watched, OWN)))
    report = shop.finish("media")
    assert report["status"] == "succeeded", report["reason"]
    assert set(results(report).values()) == {"promoted"}
    for path, solution in (
        ("/recommendations/u001", "top-picks-for-you"),
        ("/similar/i030?userId=u001", "more-like-x"),
        ("/similar/i030?userId=u001&solution=because-you-watched-x", "because-you-watched-x"),
        ("/popular", "most-popular"),
        ("/trending", "trending-now"),
    ):
        assert answered(shop, path, "media") == ("campaign", solution, 4)


def test_a_recommender_that_failed_is_made_anew(shop: Shop) -> None:
    text = config("snowplow-media").split("[[recommender]]")
    files = {
        "again/recdrop.toml": f"{text[0]}[[recommender]]{text[4]}".encode(),
        **in_parts(
            "again",
            f"{MEDIA}_items",
            csv(things("Drama", str(FIRST_DAY)), "item_id,genres,creation_timestamp"),
        ),
        **in_parts("again", f"{MEDIA}_interactions", csv(events(("Watch",), seed=55), OWN)),
    }
    shop.plan_personalize_fault({"operation": "CreateRecommender", "call": 1, "fault": "job"})
    shop.drop(files)
    report = shop.finish("again")
    assert (report["status"], "CREATE FAILED" in report["reason"]) == ("failed", True)
    shop.drop({key: body for key, body in files.items() if "_interactions/" in key})
    report = shop.finish("again")
    assert report["status"] == "succeeded", report["reason"]
    assert answered(shop, "/popular", "again") == ("campaign", "most-popular", 4)


def test_too_few_events_of_a_use_case_cost_nothing(shop: Shop) -> None:
    rows = [row.replace("Purchase", "View") for row in events(("View", "Purchase"), seed=54)]
    shop.drop({"few/recdrop.toml": config("snowplow-snowflake").encode()})
    shop.drop(
        {
            f"few/{SHOP}_interactions/personalize-dataset.csv": csv(rows, OWN.upper()),
            f"few/{SHOP}_items/personalize-dataset.csv": csv(
                things("9.99", "Tea"), "ITEM_ID,PRICE,CATEGORY_L1"
            ),
        }
    )
    report = shop.finish("few")
    assert report["status"] == "failed"
    assert "learns from events of type 'Purchase', of which there are 0" in report["reason"]
    groups = shop.stack.boto_client("personalize").list_dataset_groups()["datasetGroups"]
    assert "few" not in {group["name"] for group in groups}
