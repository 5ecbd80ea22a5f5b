from __future__ import annotations

import pytest

from chalicelib import costs
from chalicelib.vocabulary.recipes import RECIPES


def test_recipes_of_the_second_version_are_billed_by_interactions() -> None:
    line = costs.of_training(RECIPES["aws-user-personalization-v2"], 1_000_000)
    assert (line.quantity, line.unit) == (1_000_000, "interactions")
    assert line.dollars == pytest.approx(2.0)


def test_classic_recipes_are_billed_by_hours_one_at_least() -> None:
    assert costs.of_training(RECIPES["aws-sims"], 1_000).quantity == 1.0
    assert costs.of_training(RECIPES["aws-sims"], 5_000_000).quantity == 5.0


def test_a_campaign_costs_its_minimum_every_second_of_the_day() -> None:
    line = costs.of_campaign(2)
    assert line.quantity == 172_800
    assert line.dollars == pytest.approx(9.6, abs=0.01)


def test_an_import_is_billed_by_the_gigabyte_and_a_batch_by_its_users() -> None:
    assert costs.of_import(2_000_000_000).dollars == pytest.approx(0.10)
    assert costs.of_batch(1_000).dollars == pytest.approx(0.067)
