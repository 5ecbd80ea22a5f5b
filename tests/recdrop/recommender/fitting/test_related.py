from __future__ import annotations

import pytest

from recdrop.recommender import fit
from tests.recdrop.recommender.worlds import two_circles


@pytest.mark.parametrize("recipe", ["sims", "similar-items"])
def test_what_comes_after_an_item_is_more_related_than_what_came_before(recipe: str) -> None:
    """Where order says something, direction is chosen, together with the window and the discount."""
    model = fit(recipe, two_circles(80))
    assert model.settings["backward"] < 1
    assert model.similar("a2", 1)[0].item_id == "a3"
    assert model.similar("b5", 1)[0].item_id == "b6"


def test_a_discount_that_was_asked_for_stays() -> None:
    model = fit("sims", two_circles(80), settings={"popularity_discount_factor": 0.35})
    assert model.settings["discount"] == 0.35
