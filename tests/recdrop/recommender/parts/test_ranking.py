from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.ranking import top, top_each

QUICK = settings(max_examples=25, deadline=None, derandomize=True)


def sorted_by_hand(scores: Array, n: int, allowed: Array | None = None) -> list[int]:
    places = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    return sorted(places.tolist(), key=lambda place: (-scores[place], place))[: max(0, n)]


@pytest.mark.parametrize("different", [1, 2, 7, 10_000])
@pytest.mark.parametrize("size", [1, 63, 640, 1000, 3001])
@pytest.mark.parametrize("n", [0, 1, 10, 40])
def test_the_best_are_exact_whatever_the_ties(different: int, size: int, n: int) -> None:
    rng = np.random.default_rng(different + size)
    scores = rng.integers(0, different, size).astype(np.float32)
    allowed = rng.random(size) < 0.7
    assert top(scores, n).tolist() == sorted_by_hand(scores, n)
    assert top(scores, n, allowed).tolist() == sorted_by_hand(scores, n, allowed)
    if 0 < n <= size:
        rows = np.stack([scores, scores[::-1]])
        assert top_each(rows, n).tolist() == [sorted_by_hand(row, n) for row in rows]


@QUICK
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, -1.0]), max_size=30), st.integers(0, 35))
def test_the_top_is_a_stable_sort(values: list[float], n: int) -> None:
    expected = sorted(range(len(values)), key=lambda at: (-values[at], at))[:n]
    assert top(np.array(values, dtype=np.float32), n).tolist() == expected
