from __future__ import annotations

from typing import Any

import pytest

from chalicelib.config.explaining import did_you_mean, expectation, explain, wrong_value

SOLUTION = {"name": "a", "recipe": "aws-sims"}


@pytest.mark.parametrize(
    ("message", "raw", "told"),
    [
        (
            "Expected `str`, got `int` - at `$.solution[1].name`",
            {"solution": [SOLUTION, {"name": 3}]},
            "Config key 'solution[1].name' has value 3. Expected a name of 1 to 63 letters",
        ),
        (
            "Object contains unknown field `colums` - at `$.source`",
            {"source": {"colums": {}}},
            "Config key 'source.colums' is unknown. Did you mean 'columns'? Expected one of: allow_",
        ),
        (
            "Object missing required field `expression` - at `$.filter[0]`",
            {"filter": [{"name": "a"}]},
            "Config section 'filter[0]' has no key 'expression'. Expected a text.",
        ),
        (
            "Expected `str`, got `int` - at `$.source.columns[...]`",
            {"source": {"columns": {"a": 1}}},
            "Config key 'source.columns': Expected `str`, got `int`.",
        ),
        (
            "Expected `bool`, got `int` - at `$.source.keep_duplicates`",
            {"source": {"keep_duplicates": 1}},
            "Config key 'source.keep_duplicates' has value 1. Expected true or false.",
        ),
    ],
)
def test_what_msgspec_says_is_told_in_our_words(
    message: str, raw: dict[str, Any], told: str
) -> None:
    assert explain(message, raw).startswith(told)


def test_a_value_far_from_every_choice_gets_no_hint() -> None:
    assert "Did you mean" not in wrong_value(["solution", 0, "recipe"], "zzzzzz")
    assert wrong_value(["group", "domain"], "ecommerce").endswith("ECOMMERCE, VIDEO_ON_DEMAND.")


def test_a_hint_names_the_nearest_choice_whatever_the_order_of_choices() -> None:
    assert did_you_mean("metrik", {"matrix", "metric"}) == " Did you mean 'metric'?"
    assert did_you_mean("x", []) == ""


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ({"type": "integer", "minimum": 1}, "a whole number of at least 1"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "a number from 0 to 1"),
        ({"type": "array"}, "a list"),
        ({"enum": ["a", None, "b"]}, "one of: a, b"),
        ({"pattern": "^x$", "description": "an x"}, "an x"),
        ({}, "another type"),
    ],
)
def test_an_expectation_is_the_end_of_a_sentence(node: dict[str, Any], text: str) -> None:
    assert expectation(node) == text
