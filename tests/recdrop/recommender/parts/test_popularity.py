from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories, histories
from recdrop.recommender.parts.popularity import popularity, trend, trend_accuracy
from tests.recdrop.recommender.worlds import from_rows


def _history(*events: tuple[str, int]) -> Histories:
    return histories(from_rows([("u", item, time) for item, time in events]))


def test_the_most_used_item_has_popularity_1() -> None:
    assert popularity(_history(("a", 1), ("a", 2), ("b", 3)), 3).tolist() == [1.0, 0.5, 0.0]


def test_with_an_age_what_was_used_of_late_counts_more() -> None:
    found = popularity(_history(("a", 0), ("a", 1), ("b", 1000)), 2, age=0.1)
    assert found[1] > found[0]


def test_no_events_are_no_popularity_and_no_trend() -> None:
    nothing = _history(("a", 1)).take_events(np.array([False]))
    assert popularity(nothing, 2).tolist() == [0.0, 0.0]
    assert trend(nothing, 2, 10).tolist() == [0.0, 0.0]


def test_what_rises_comes_before_what_is_steady_and_what_is_gone_comes_last() -> None:
    history = _history(("a", 0), ("b", 5), ("b", 15), ("c", 15), ("c", 15))
    gone, steady, risen = trend(history, 3, 10)
    assert gone < steady < risen


def test_a_trend_that_goes_on_was_foretold() -> None:
    rising = [("a", 0), ("b", 11), ("b", 11), ("b", 21), ("b", 21), ("b", 21), ("b", 21)]
    assert trend_accuracy(_history(*rising), 2, 10, depth=1) == 1.0
    assert trend_accuracy(_history(("a", 1)), 1, 10) == 0.0
