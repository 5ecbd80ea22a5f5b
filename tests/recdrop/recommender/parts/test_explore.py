from __future__ import annotations

import numpy as np

from recdrop.recommender import TrainingData
from recdrop.recommender.parts.explore import DAY, Novelty, generator, novelty, slots
from tests.recdrop.recommender.worlds import from_rows


def _novelty(taken: list[int], shown: list[int]) -> Novelty:
    return Novelty(np.zeros(len(taken)), np.array(taken), np.array(shown), newest=DAY)


def test_an_item_is_new_while_it_is_young_and_little_used() -> None:
    items = Novelty(np.array([0.0, 9.0, 9.0]) * DAY, np.array([1, 1, 11]), np.zeros(3), 10 * DAY)
    assert items.is_new(5).tolist() == [False, True, False]


def test_an_item_that_was_shown_often_and_never_taken_is_no_longer_new() -> None:
    found = _novelty([0, 0, 10], [30, 29, 30]).is_new(30)
    assert found.tolist() == [False, True, True]


def test_what_was_refused_is_drawn_lower() -> None:
    items = _novelty([0, 0], [100, 0])
    rng = np.random.default_rng(0)
    drawn = np.array([items.chance(rng, np.arange(2)) for _ in range(200)])
    assert drawn[:, 0].mean() < 0.05 < 0.4 < drawn[:, 1].mean()


def test_no_weight_gives_no_slots_and_the_full_weight_most() -> None:
    rng = np.random.default_rng(0)
    assert len(slots(25, 0.0, rng)) == 0
    assert 0.7 < len(slots(10_000, 1.0, rng)) / 10_000 < 0.9
    assert 0.07 < len(slots(10_000, 0.3, rng)) / 10_000 < 0.11


def test_the_same_question_draws_the_same_and_another_does_not() -> None:
    first, same, other = (generator(7, user, "i").random() for user in ("anna", "anna", "ben"))
    assert first == same != other


def test_an_item_without_events_was_created_when_it_was_first_seen() -> None:
    data = TrainingData.from_rows(
        ["u"], ["a"], [50], item_columns={"G": ("categorical", {"b": "x"})}
    )
    assert novelty(data).created.tolist() == [50, 50]
    assert novelty(data, first_seen=np.array([np.nan, 20.0])).created.tolist() == [50, 20]


def test_impressions_are_counted_by_item() -> None:
    plain = from_rows([("u", "a", 1), ("u", "b", 2)])
    data = TrainingData.from_rows(["u", "u"], ["a", "b"], [1, 2], impressions=["a|b|gone", None])
    assert novelty(data).shown.tolist() == [1, 1]
    assert novelty(plain).shown.tolist() == [0, 0]
