from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories, histories
from recdrop.recommender.data.split import draw_users, hold_out, join
from tests.recdrop.recommender.worlds import from_rows


def _history(*lengths: int) -> Histories:
    rows = [
        (f"u{user}", f"i{at:02d}", 10 * at) for user, n in enumerate(lengths) for at in range(n)
    ]
    return histories(from_rows(rows))


def test_the_newest_tenth_is_the_truth_and_at_least_one_event() -> None:
    cases = hold_out(_history(20, 2), np.array([0, 1]))
    assert [truth.tolist() for truth in cases.truths()] == [[18, 19], [1]]
    assert np.diff(cases.known.indptr).tolist() == [18, 1]
    assert cases.seconds.tolist() == [180, 10]


def test_an_earlier_end_looks_at_nothing_after_it() -> None:
    cases = hold_out(_history(20), np.array([0]), end=0.5)
    assert [truth.tolist() for truth in cases.truths()] == [[9]]
    assert int(cases.known.item.max()) == 8


def test_only_users_with_two_events_are_drawn_and_the_same_under_a_seed() -> None:
    history = _history(1, 2, 3, 1, 4)
    drawn = [draw_users(history, 0.5, 10, np.random.default_rng(1)).tolist() for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) <= {1, 2, 4}
    assert len(draw_users(history, 1.0, 2, np.random.default_rng(1))) == 2


def test_joined_cases_are_those_of_both() -> None:
    history = _history(20, 12)
    first, second = hold_out(history, np.array([0])), hold_out(history, np.array([1]), end=0.8)
    both = join(first, second)
    assert len(both) == 2
    for place, alone in enumerate((first, second)):
        assert both.truths()[place].tolist() == alone.truths()[0].tolist()
        assert both.known.item[both.known.of(place)].tolist() == alone.known.item.tolist()
