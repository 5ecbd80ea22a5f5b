from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chalicelib.config.schema import json_schema, node_at
from chalicelib.vocabulary.datasets import DATASETS
from chalicelib.vocabulary.metrics import METRICS
from chalicelib.vocabulary.recipes import RECIPES

SOLUTION = "[[solution]]\nname = 'a'\nrecipe = 'aws-sims'\n"


def test_the_published_schema_is_up_to_date() -> None:
    path = Path(__file__).parents[3] / "docs" / "recdrop.schema.json"
    assert json.loads(path.read_text()) == json_schema()


@pytest.mark.parametrize(
    ("toml", "valid"),
    [
        (SOLUTION, True),
        (SOLUTION + "gate = { metric = 'precision_at_5' }", True),
        (SOLUTION + "gate = { metric = 'coverage' }", False),
        ("[[solution]]\nname = 'a'\nrecipe = 'aws-simms'", False),
        ("[[dataset]]\nname = 'clicks'\ndataset = 'interactions'", True),
        ("[[dataset]]\nname = 'clicks'\ndataset = 'clicks'", False),
        ("[group]\ndomain = 'SHOP'", False),
        ("[sourse]", False),
    ],
)
def test_the_published_schema_judges_like_the_loader(toml: str, valid: bool) -> None:
    validator: Any = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(tomllib.loads(toml)) is valid


def test_an_editor_offers_the_rows_of_the_tables() -> None:
    assert node_at(["solution", 0, "recipe"])["enum"] == sorted(RECIPES)
    assert node_at(["solution", 3, "gate", "metric"])["enum"] == sorted(METRICS)
    assert node_at(["dataset", 0, "dataset"])["enum"] == sorted(DATASETS)


def test_a_key_is_found_through_references_and_optional_sections() -> None:
    assert node_at(["solution", 0, "campaign", "min_provisioned_tps"])["minimum"] == 1
    assert node_at(["solution", 0, "event_weights", "purchase"])["maximum"] == 1
    assert node_at(["solution", 0, "colour"]) == {}
