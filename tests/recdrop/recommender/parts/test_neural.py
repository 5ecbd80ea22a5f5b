from __future__ import annotations

import importlib

import numpy as np
import pytest

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.parts import neural
from recdrop.recommender.parts.sequence import last_hidden
from tests.recdrop.recommender.nets import history_of, random_net

needs_torch = pytest.mark.skipif(
    not neural.available(), reason="torch is not installed (pip install -r requirements/neural.txt)"
)


def test_the_most_used_items_are_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "MOST_ITEMS", 2)
    covered, known = neural.cover(history_of([5, 3, 5], [3, 1]), 8)
    assert covered.tolist() == [3, 5]
    assert known.item.tolist() == [1, 0, 1, 0]
    assert known.indptr.tolist() == [0, 3, 4]


def test_targets_are_the_next_events_and_nearer_ones_count_more() -> None:
    place, share = neural.targets(
        history_of([4, 5, 6], [7, 8], weights=np.array([1, 1, 1, 1, 0.1], dtype=np.float32)), 2, 1.0
    )
    near = 1 / (1 + np.exp(-1))
    assert place[0].tolist() == [5, 6]
    np.testing.assert_allclose(
        share, [[near, 1 - near], [1, 0], [0, 0], [0.1, 0], [0, 0]], rtol=1e-5
    )


def test_a_pass_shows_every_event_at_most_once_and_nearly_all() -> None:
    known = history_of(list(range(130)), [1], list(range(7)), list(range(50)))
    seen: list[int] = []
    for at, real in neural.batches(known, np.random.default_rng(0)):
        user = known.user_of_event()[at]
        assert (user == user[:, :1]).all()
        assert at.shape[1] <= neural.WINDOW
        seen.extend(at[real].tolist())
    assert len(seen) == len(set(seen))
    assert set(range(131, 188)) <= set(seen)
    assert 130 not in seen
    assert len(set(seen) & set(range(130))) >= 127


def test_the_budget_decides_how_much_is_trained() -> None:
    few = neural.recipes_for(100)
    assert neural.affordable(few, 100_000, 10_000, 1e6) == [
        (recipe, neural.PASSES) for recipe in few
    ]
    assert [recipe for recipe, _ in neural.affordable(few, 100_000, 10_000, 7)] == [few[0]]
    assert neural.affordable(few, 100_000, 10_000, 1) == []


def test_many_users_get_one_wide_net() -> None:
    assert [recipe.width for recipe in neural.recipes_for(100)] == [64, 64]
    assert [recipe.width for recipe in neural.recipes_for(100_000)] == [128]


def test_there_is_no_net_of_hardly_any_data() -> None:
    assert neural.train_sequence(history_of([1, 2], [2, 1]), 3, seed=0, budget_seconds=1e6) is None


def test_there_is_no_net_where_nothing_follows() -> None:
    alone = history_of(*([code % 50] for code in range(2_000)))
    assert neural.train_sequence(alone, 50, seed=0, budget_seconds=1e6) is None


def _cycles(users: int = 300, length: int = 12, items: int = 30) -> Histories:
    """Everyone walks the same circle from a place of their own."""
    rng = np.random.default_rng(0)
    return history_of(
        *((np.arange(length) + rng.integers(items)).__mod__(items).tolist() for _ in range(users))
    )


@needs_torch
def test_training_learns_what_comes_next_and_is_repeatable() -> None:
    known = _cycles()
    told: list[float] = []
    net = neural.train_sequence(known, 30, seed=3, budget_seconds=60, progress=told.append)
    again = neural.train_sequence(known, 30, seed=3, budget_seconds=60)
    assert net is not None
    assert again is not None
    assert int(net.scores(np.array([10, 11, 12]), np.ones(3)).argmax()) in (13, 14)
    assert told == sorted(told)
    for name, array in net.arrays("net").items():
        np.testing.assert_array_equal(array, again.arrays("net")[name])


@needs_torch
def test_numpy_answers_as_torch_does() -> None:
    torch = importlib.import_module("torch")
    weights = random_net()
    item = np.random.default_rng(5).integers(0, 30, (4, 20))
    weight = np.random.default_rng(6).uniform(0.1, 1, (4, 20)).astype(np.float32)
    net = {name: torch.as_tensor(value) for name, value in weights.items()}
    hidden = neural.hidden_states(torch, net, item, weight, 0.0).numpy()
    for row in range(4):
        for length in (1, 2, 20):
            found = last_hidden(weights, item[row, :length], weight[row, :length])
            np.testing.assert_allclose(found, hidden[row, length - 1], atol=1e-4)
