from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.vocabulary.use_cases import USE_CASES, UseCase, intent_of

# The local Personalize keeps its own catalogue, from DescribeRecipe: it must agree with our table.
[CATALOGUE] = (Path(__file__).parents[3] / "recdrop" / "personalize").rglob("recipes.json")
DESCRIBED = {
    row["name"]: row for row in json.loads(CATALOGUE.read_text())["recipes"] if "domain" in row
}


def test_all_ten_use_cases_are_there() -> None:
    assert USE_CASES.keys() == DESCRIBED.keys()
    assert len(USE_CASES) == 10


@pytest.mark.parametrize("use_case", USE_CASES.values(), ids=lambda found: found.name)
def test_a_use_case_is_as_described(use_case: UseCase) -> None:
    described = DESCRIBED[use_case.name]
    assert described["type"] == use_case.type.name
    assert (described["domain"], described["event_type"]) == (use_case.domain, use_case.event)


@pytest.mark.parametrize(
    ("name", "recipe_type", "intent"),
    [
        ("aws-vod-trending-now", "POPULAR_ITEMS", "trending"),
        ("aws-ecomm-recommended-for-you", "USER_PERSONALIZATION", "personal"),
        ("aws-trending-now", "POPULAR_ITEMS", "trending"),
        ("left-the-table", "RELATED_ITEMS", "related"),
        ("left-the-table", "left-too", "left-too"),
    ],
)
def test_what_it_is_for(name: str, recipe_type: str, intent: str) -> None:
    assert intent_of(name, recipe_type) == intent
