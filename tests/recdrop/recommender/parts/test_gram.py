from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender.data.histories import Histories, concatenate, offsets
from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.gram import Window, next_item_grams, use_gram

WINDOW = Window(3.0, 7, 1.5, 4)
HEAD = np.array([0, 1, -1, 2, 3, 4], dtype=np.int32)


def _history(lengths: tuple[int, ...], *, weighted: bool, seed: int = 0) -> Histories:
    rng = np.random.default_rng(seed)
    size = sum(lengths)
    weight = rng.random(size) if weighted else np.ones(size)
    item = rng.integers(0, 6, size).astype(np.int32)
    return Histories(
        offsets(np.array(lengths)), item, weight.astype(np.float32), np.zeros(size), np.arange(size)
    )


def _by_definition(history: Histories) -> tuple[Array, Array]:
    past_gram, cross_gram = np.zeros((5, 5)), np.zeros((5, 5))
    for user in range(history.users):
        span = history.of(user)
        rows, weight = HEAD[history.item[span]], history.weight[span]
        for step in range(1, len(rows)):
            past, ahead = np.zeros(5), np.zeros(5)
            for back in range(1, min(WINDOW.past, step) + 1):
                if rows[step - back] >= 0:
                    past[rows[step - back]] += weight[step - back] * np.exp(
                        -(back - 1) / WINDOW.tau
                    )
            for on in range(min(WINDOW.next, len(rows) - step)):
                if rows[step + on] >= 0:
                    ahead[rows[step + on]] += weight[step + on] * np.exp(-on / WINDOW.tau_next)
            past_gram += np.outer(past, past)
            cross_gram += np.outer(past, ahead)
    return past_gram, cross_gram


@pytest.mark.parametrize("weighted", [False, True])
def test_one_pass_per_lag_equals_the_definition(weighted: bool) -> None:
    history = _history((1, 2, 5, 9, 30), weighted=weighted)
    past, cross = _by_definition(history)
    found = next_item_grams(history, HEAD, WINDOW)
    np.testing.assert_allclose(found.past, past, atol=1e-4)
    np.testing.assert_allclose(found.cross, cross, atol=1e-4)


def test_grams_add_up_over_users() -> None:
    first, second = _history((4, 9), weighted=False), _history((12, 3), weighted=False, seed=1)
    both = next_item_grams(concatenate(first, second), HEAD, WINDOW)
    apart = next_item_grams(first, HEAD, WINDOW).plus(next_item_grams(second, HEAD, WINDOW))
    np.testing.assert_allclose(both.past, apart.past, atol=1e-4)
    np.testing.assert_allclose(both.cross, apart.cross, atol=1e-4)


def test_far_lags_are_thinned_without_losing_weight() -> None:
    history = _history((400,), weighted=False)
    wide = Window(20.0, 40, 10.0, 20)
    found = next_item_grams(history, HEAD, wide)
    inside = float((HEAD[history.item] >= 0).mean()) ** 2
    total = sum(
        np.exp(-(back - 1) / wide.tau) * np.exp(-on / wide.tau_next)
        for step in range(1, 400)
        for back in range(1, min(wide.past, step) + 1)
        for on in range(min(wide.next, 400 - step))
    )
    assert float(found.cross.sum()) == pytest.approx(inside * total, rel=0.03)


def test_the_use_gram_counts_users_who_used_both() -> None:
    history = _history((6, 9), weighted=False)
    used = [set(HEAD[history.item[history.of(user)]]) - {-1} for user in range(2)]
    expected = [[sum(i in one and j in one for one in used) for j in range(5)] for i in range(5)]
    np.testing.assert_array_equal(use_gram(history, HEAD), expected)
