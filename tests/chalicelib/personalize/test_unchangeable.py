"""What of a solution cannot be changed, told by key; that training then stops: test_solutions."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.config.sections import Solution
from chalicelib.personalize.solutions import unchangeable

MADE: dict[str, Any] = {
    "recipeArn": "arn:aws:personalize:::recipe/aws-hrnn",
    "performHPO": False,
    "solutionConfig": {
        "algorithmHyperParameters": {"hidden_dimension": "43", "bptt": "32"},
        "eventsConfig": {"eventParametersList": [{"eventType": "buy", "weight": 0.5}]},
    },
}


def asked(**changes: Any) -> Solution:
    same = {"recipe": "aws-hrnn", "settings": {"bptt": 32}, "event_weights": {"buy": 0.5}}
    return Solution(name="x", **{**same, **changes})


def test_what_the_config_leaves_to_the_service_may_be_anything() -> None:
    assert unchangeable(MADE, asked()) == {}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"recipe": "aws-sims"}, "recipe"),
        ({"settings": {"bptt": 31}}, "settings"),
        ({"event_weights": {"buy": 1.0}}, "event_weights"),
        ({"event_weights": {}}, "event_weights"),
        ({"hpo": True}, "hpo"),
        ({"event_value_threshold": 3.0}, "event_value_threshold"),
        ({"event_type": "buy"}, "event_type"),
    ],
)
def test_what_differs_is_named(changes: dict[str, Any], what: str) -> None:
    assert list(unchangeable(MADE, asked(**changes))) == [what]
