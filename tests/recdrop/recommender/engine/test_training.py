from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Past, histories
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.training import Groundwork, Statistics, statistics, train
from recdrop.recommender.parts.content import describe
from tests.recdrop.recommender.worlds import two_circles, weekly_shoppers, with_genres

ITEMS = 12
HISTORY = histories(two_circles(40))


def test_the_groundwork_of_some_and_of_the_others_is_that_of_all() -> None:
    settings = Settings(head=6)
    some, others = HISTORY.take_users(np.arange(30)), HISTORY.take_users(np.arange(30, 40))
    ground = Groundwork.of(some, ITEMS, settings)
    whole = train(HISTORY, ITEMS, settings, Groundwork(ground.head, *_whole(ground, settings)))
    added = train(HISTORY, ITEMS, settings, ground.plus(others))
    np.testing.assert_allclose(added.weights, whole.weights, rtol=1e-3, atol=1e-5)


def _whole(ground: Groundwork, settings: Settings) -> tuple[Statistics, Settings]:
    return statistics(HISTORY, ground.head, settings.window), settings


def test_a_head_at_its_limit_is_full() -> None:
    assert Groundwork.of(HISTORY, ITEMS, Settings(head=6)).is_full
    assert not Groundwork.of(HISTORY, ITEMS, Settings(head=100)).is_full


def test_parts_that_weigh_nothing_are_not_made() -> None:
    engine = train(HISTORY, ITEMS, Settings(markov=0.0, frequency=0.0))
    assert len(engine.markov.value) == 0
    assert engine.habits is None


def test_habits_are_made_where_they_weigh() -> None:
    shoppers = histories(weekly_shoppers())
    assert train(shoppers, ITEMS, Settings(repeats=True, frequency=1.0)).habits is not None


def test_items_without_events_come_in_the_order_of_their_likeness() -> None:
    """Also where the search gave metadata no weight: of them nothing else speaks."""
    data = with_genres()
    names = data.item_ids.tolist()
    content = describe(data.items, len(names))
    engine = train(histories(data), len(names), Settings(content=0.0), content=content)
    for letter, other in ("ab", "ba"):
        codes = np.array([names.index(f"{letter}{place}") for place in (1, 2)], dtype=np.int32)
        scores = engine.scores(Past.of(codes, np.ones(2, np.float32), np.zeros(2, bool)))
        assert scores[names.index(f"{letter}-new")] > scores[names.index(f"{other}-new")]
