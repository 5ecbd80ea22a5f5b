"""Differences between a config and what is there; that they go away: tests/workflow."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import names
from chalicelib.config import loading
from recdrop.cli.planning import Live, plan

CONFIG = """
[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"
campaign = { min_provisioned_tps = 2 }
[[filter]]
name = "new"
expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")'
"""
EXPRESSION = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")'


def live(**changes: Any) -> Live:
    """The group as CONFIG says."""
    there: dict[str, Any] = {
        "solutions": {
            "shop-for-you": {
                "recipeArn": "arn:aws:personalize:::recipe/aws-user-personalization-v2",
                "solutionConfig": {"algorithmHyperParameters": {}},
            }
        },
        "campaigns": {"shop-for-you": {"minProvisionedTPS": 2}},
        "filters": {names.filter_("shop", "new", EXPRESSION): {}},
    }
    return Live(**{**there, **changes})


def told(text: str, there: Live) -> list[str]:
    return [str(change) for change in plan("shop", loading.load(text, "shop"), there).changes]


def test_a_group_that_is_what_its_config_says_has_no_plan() -> None:
    found = plan("shop", loading.load(CONFIG, "shop"), live())
    assert found.changes == ()
    # Two requests a second for 30 days, .0556 dollars for 1,000.
    assert found.monthly == pytest.approx(2 * 86_400 * 30 / 1000 * 0.0556)


def test_a_group_that_is_not_there_is_made() -> None:
    assert told(CONFIG, Live(is_there=False)) == [
        "+ dataset group shop  by its first export",
        "+ filter new",
        "+ solution for-you  aws-user-personalization-v2: trained and judged",
        "+ campaign for-you  when the gate promotes the first version",
    ]


def test_other_settings_of_a_campaign_and_another_expression_are_changes() -> None:
    text = CONFIG.replace("= 2 }", "= 5, exploration_weight = 0.1 }").replace("buy", "view")
    old = names.filter_("shop", "new", EXPRESSION)
    assert told(text, live()) == [
        "~ filter new",
        f"- filter {old}  the API does not know it any more",
        "~ campaign for-you  min_provisioned_tps: 2 -> 5",
        "~ campaign for-you  exploration_weight: None -> 0.1",
    ]


def test_what_left_the_config_is_retired() -> None:
    other = CONFIG.replace("for-you", "others")
    assert told(other, live())[-1] == (
        "- solution shop-for-you  it answers no more; its campaign costs on until you delete it"
    )
    assert told(other, live(campaigns={}))[-1] == "- solution shop-for-you  it answers no more"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("aws-user-personalization-v2", "aws-hrnn"), "recipe"),
        (("[[filter]]", "settings = { factors = 5 }\n[[filter]]"), "settings"),
        (("[[filter]]", "hpo = true\n[[filter]]"), "hpo"),
        (("[[filter]]", "event_weights = { buy = 1 }\n[[filter]]"), "event_weights"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_way_out(
    change: tuple[str, str], what: str
) -> None:
    (refused,) = [line for line in told(CONFIG.replace(*change), live()) if line.startswith("!")]
    assert refused.startswith(f"! solution for-you  {what}")
    assert refused.endswith("give the new one another name")


DOMAIN = """
[group]
domain = "ECOMMERCE"
[[recommender]]
name = "picks"
use_case = "aws-ecomm-recommended-for-you"
min_requests_per_second = 2
"""
PICKS = {
    "recipeArn": "arn:aws:personalize:::recipe/aws-ecomm-recommended-for-you",
    "status": "ACTIVE",
    "recommenderConfig": {"minRecommendationRequestsPerSecond": 2},
}


def test_recommenders_are_made_changed_and_retired() -> None:
    there = Live(recommenders={"shop-picks": PICKS})
    assert [line for line in told(DOMAIN, there) if " recommender " in line] == []
    assert "+ recommender picks  aws-ecomm-recommended-for-you: trained and judged" in told(
        DOMAIN, Live()
    )
    stopped = DOMAIN.replace("= 2", "= 3") + "stopped = true\n"
    assert [line for line in told(stopped, there) if line.startswith("~")] == [
        "~ recommender picks  stopped: False -> True",
        "~ recommender picks  min_requests_per_second: 2 -> 3",
    ]
    other = DOMAIN.replace('"picks"', '"others"')
    costs_on = "it answers no more; it costs on until you stop or delete it"
    assert f"- recommender shop-picks  {costs_on}" in told(other, there)
    viewed = DOMAIN.replace("recommended-for-you", "frequently-bought-together")
    assert any(line.startswith("! recommender picks  use_case") for line in told(viewed, there))
