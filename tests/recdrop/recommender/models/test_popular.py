from __future__ import annotations

from recdrop.recommender import Query, fit
from tests.recdrop.recommender.worlds import from_rows

DAY = 86_400


def _ids(recipe: str, rows: list[tuple[str, str, int]], n: int, **settings: float) -> list[str]:
    return [
        scored.item_id
        for scored in fit(recipe, from_rows(rows), settings=settings).recommend(Query(), n)
    ]


def test_popularity_counts_and_breaks_ties_by_id() -> None:
    rows = [("u1", "b", 1), ("u2", "b", 2), ("u1", "c", 3), ("u1", "a", 4)]
    assert _ids("popularity-count", rows, 3) == ["b", "a", "c"]


def test_trending_is_what_rises_not_what_is_big() -> None:
    steady = [(f"u{n}", "steady", day * DAY + n) for day in range(5) for n in range(30)]
    rising = [(f"u{n}", "rising", 4 * DAY + n) for n in range(10)]
    fading = [(f"u{n}", "fading", 3 * DAY + n) for n in range(20)]
    rows = steady + rising + fading
    assert _ids("trending-now", rows, 1) == ["rising"]
    assert _ids("popularity-count", rows, 1) == ["steady"]


def test_a_trend_says_how_well_it_foretold() -> None:
    rows = [(f"u{n}", f"i{day}", day * DAY + n) for day in range(6) for n in range(10)]
    accuracy = fit("trending-now", from_rows(rows)).metrics["trend_prediction_accuracy"]
    assert 0 <= accuracy <= 1


def test_the_window_of_a_trend_can_be_set() -> None:
    old = [(f"u{n}", "last-week", 6 * DAY + 600 * n) for n in range(10)]
    new = [(f"u{n}", "today", 13 * DAY + n) for n in range(4)]
    start = [("u0", "start", 0)]
    assert _ids("trending-now", start + old + new, 1, trend_window_days=1) == ["today"]
    assert _ids("trending-now", start + old + new, 1, trend_window_days=9) == ["last-week"]
