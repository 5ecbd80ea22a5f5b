from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories, histories
from recdrop.recommender.parts.popularity import (
    Trend,
    by_window,
    choose_trend,
    popularity,
    trend,
    trend_accuracy,
)
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
    windows = by_window(nothing, 2, 10)
    assert trend(windows, Trend()).tolist() == [-1.0, -1.0]
    assert choose_trend(windows) == Trend()


def test_what_rises_comes_before_what_is_steady_and_what_is_gone_comes_last() -> None:
    history = _history(("a", 0), ("b", 5), ("b", 15), ("c", 15), ("c", 15))
    gone, steady, risen = trend(by_window(history, 3, 10), Trend())
    assert gone < steady < risen


def test_with_a_level_what_is_big_comes_before_a_small_rise() -> None:
    windows = by_window(_history(*[("big", 5)] * 20, *[("big", 15)] * 20, ("new", 15)), 2, 10)
    assert np.argmax(trend(windows, Trend(0.2, 0.7))) == 0
    assert np.argmax(trend(windows, Trend())) == 1


def test_a_trend_that_goes_on_was_foretold() -> None:
    rising = [("a", 0), ("b", 11), ("b", 11), ("b", 21), ("b", 21), ("b", 21), ("b", 21)]
    assert trend_accuracy(by_window(_history(*rising), 2, 10), Trend()) == 1.0
    assert trend_accuracy(by_window(_history(("a", 1)), 1, 10), Trend()) == 0.0


def test_what_fell_is_no_riser() -> None:
    assert trend_accuracy(by_window(_history(("a", 0), ("a", 0), ("a", 11)), 1, 10), Trend()) == 0.0


def test_where_rises_do_not_last_the_level_is_asked() -> None:
    """Thirty other items rise in every window, for one only; thirty are always used."""
    events = [
        (f"steady-{kind}", day * 10) for day in range(16) for kind in range(30) for _ in "1234"
    ]
    events += [
        (f"burst-{day}-{kind}", day * 10) for day in range(16) for kind in range(30) for _ in "12"
    ]
    history = _history(*events)
    items = int(history.item.max()) + 1
    windows = by_window(history, items, 10)
    chosen = choose_trend(windows)
    assert chosen.momentum < 1
    foretold = np.argsort(-trend(windows, chosen))[:25]
    assert windows[0][foretold].min() == 4
