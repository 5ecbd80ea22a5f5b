from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.vocabulary.datasets import DATASETS
from chalicelib.vocabulary.recipes import RECIPES, TYPES

# The local Personalize keeps its own catalogue, from DescribeRecipe: it must agree with our table.
CATALOGUE = Path(__file__).parents[3] / "recdrop" / "personalize"


def described() -> dict[str, dict[str, object]]:
    [path] = CATALOGUE.rglob("recipes.json")
    return {row["name"]: row for row in json.loads(path.read_text())["recipes"]}


@pytest.mark.parametrize("name", [n for n, r in RECIPES.items() if r.backend == "personalize"])
def test_a_recipe_of_personalize_has_the_type_that_describe_recipe_tells(name: str) -> None:
    assert described()[name]["type"] == RECIPES[name].type.name


def test_no_recipe_of_personalize_is_left_out() -> None:
    solutions = {name for name, row in described().items() if "domain" not in row}
    assert solutions <= RECIPES.keys()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_a_recipe_trains_on_datasets_that_there_are(recipe: object) -> None:
    assert set(RECIPES[getattr(recipe, "name", "")].needs) <= DATASETS.keys()


def test_what_has_no_campaign_or_no_test_says_so() -> None:
    assert [name for name, kind in TYPES.items() if not kind.has_campaign] == ["USER_SEGMENTATION"]
    assert {name for name, kind in TYPES.items() if not kind.is_scored} == {
        "USER_SEGMENTATION",
        "PERSONALIZED_ACTIONS",
        "RATING_PREDICTION",
    }
