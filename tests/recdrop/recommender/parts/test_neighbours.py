from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories, histories
from recdrop.recommender.parts.neighbours import side_by_side, used_together
from tests.recdrop.recommender.worlds import from_rows


def _history(*baskets: str) -> Histories:
    rows = [
        (f"u{n}", item, at) for n, basket in enumerate(baskets) for at, item in enumerate(basket)
    ]
    return histories(from_rows(rows))


def test_pairs_within_the_window_count_the_same_both_ways() -> None:
    found = side_by_side(_history("abc"), 3, window=1, tau=1.0).toarray()
    assert found.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


def test_farther_pairs_count_less_and_an_item_never_goes_with_itself() -> None:
    found = side_by_side(_history("aab"), 2, window=2, tau=1.0).toarray()
    assert found[0, 0] == 0
    np.testing.assert_allclose(found[0, 1], 1 + np.exp(-1), rtol=1e-6)


def test_pairs_below_the_least_are_left_out() -> None:
    history = _history("ab", "ab", "ac")
    found = side_by_side(history, 3, window=1, tau=1.0, least=2.0)
    assert found.toarray().tolist() == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]


def test_the_discount_takes_from_what_goes_with_everything() -> None:
    history = _history("ab", "ab", "ac", "cb", "db", "eb")
    both = side_by_side(history, 5, window=1, tau=1.0)
    plain = used_together(both, history, discount=0.0).toarray()
    damped = used_together(both, history, discount=1.0).toarray()
    assert plain[0, 1] > plain[0, 2]
    assert damped[0, 1] < damped[0, 2]


def test_what_came_before_counts_as_much_as_asked() -> None:
    found = side_by_side(_history("ab"), 2, window=1, tau=1.0, backward=0.25).toarray()
    assert found.tolist() == [[0.0, 1.0], [0.25, 0.0]]
