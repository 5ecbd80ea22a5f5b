"""What `fit` refuses, and what `update` keeps, whatever the recipe."""

from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender import fit, update
from tests.recdrop.recommender.worlds import two_circles, with_genres


def test_an_unknown_recipe_is_named_with_what_there_is() -> None:
    with pytest.raises(
        ValueError, match=r"Recipe 'magic' is not known. Expected one of: user-personalization-v2"
    ):
        fit("magic", with_genres())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"event_weights": {"View": 2}}, "Event weight of 'View' has value 2. Expected 0 to 1"),
        ({"event_weights": "View"}, "'event_weights' has value 'View'"),
        ({"penalty": float("nan")}, "'penalty' has value nan. Expected a finite number"),
        ({"penalty": [1]}, r"'penalty' has value \[1\]"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit("sims", with_genres(), settings=settings)


def test_no_interactions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has 0 interactions"):
        fit("sims", with_genres().take(np.zeros(0, dtype=np.int64)))


def test_an_update_leaves_the_model_before_as_it_was() -> None:
    before = fit("popularity-count", two_circles())
    after = update(update(before, two_circles()), two_circles())
    assert "updates" not in before.settings
    assert after.settings["updates"] == 2


def test_an_item_that_is_gone_from_the_data_is_gone_from_the_model() -> None:
    model = fit("user-personalization-v2", with_genres())
    assert model.item_index("a-new") is not None
    assert update(model, two_circles()).item_index("a-new") is None


def test_progress_is_told_from_start_to_end() -> None:
    told: list[float] = []
    fit("sims", two_circles(), progress=lambda share, _text: told.append(share))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
