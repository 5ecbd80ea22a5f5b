from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recdrop.recommender.data.histories import histories, steps_back
from tests.recdrop.recommender.worlds import from_rows

QUICK = settings(max_examples=25, deadline=None, derandomize=True)


@QUICK
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30))
def test_steps_back_of_one_moment_are_the_mean_of_their_places(
    events: list[tuple[int, int]],
) -> None:
    history = histories(from_rows([(f"u{user}", "i", time) for user, time in events]))
    found = steps_back(history.indptr, history.tied)
    for user in range(history.users):
        span = history.of(user)
        times = history.timestamp[span].tolist()
        places = list(range(len(times) - 1, -1, -1))
        means = [
            np.mean([place for place, other in zip(places, times, strict=True) if other == time])
            for time in times
        ]
        np.testing.assert_allclose(found[span], means)
