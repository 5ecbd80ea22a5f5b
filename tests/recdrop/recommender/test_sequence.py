from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from recdrop.recommender.data.histories import Histories, offsets
from recdrop.recommender.data.records import Array
from recdrop.recommender.files import read_model, write_model
from recdrop.recommender.parts import neural
from recdrop.recommender.parts.sequence import SHARPNESS, SequenceNet, last_hidden

needs_torch = pytest.mark.skipif(
    not neural.available(), reason="torch is not installed (pip install -r requirements/neural.txt)"
)


def _history(*users: list[int], weights: Array | None = None) -> Histories:
    item = np.array([code for user in users for code in user], dtype=np.int32)
    weight = np.ones(len(item), dtype=np.float32) if weights is None else weights
    place = np.arange(len(item), dtype=np.int64)
    return Histories(offsets(np.array([len(user) for user in users])), item, weight, place, place)


def _plain(vectors: Array, bias: Array, window: int = 3) -> dict[str, Array]:
    """A net whose attention and inner layer say nothing: the newest event's normed vector asks for
    items like it.
    """
    width = vectors.shape[1]
    square = {name: np.zeros((width, width)) for name in ("ask", "offer", "give", "mix")}
    norms = {f"{name}_scale": np.ones(width) for name in ("before", "inner", "after")}
    shifts = {f"{name}_shift": np.zeros(width) for name in ("before", "inner", "after")}
    inner = {
        "wide": np.zeros((width, 2 * width)),
        "wide_bias": np.zeros(2 * width),
        "narrow": np.zeros((2 * width, width)),
    }
    rest = {
        "item": vectors,
        "bias": bias,
        "lag": np.zeros((1, window)),
        "narrow_bias": np.zeros(width),
    }
    return {
        name: value.astype(np.float32)
        for name, value in (square | norms | shifts | inner | rest).items()
    }


VECTORS = np.array([[1.0, -1.0], [-1.0, 1.0], [2.0, -2.0]])


def random_net(items: int = 30, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    known = _history(*(rng.integers(0, items, 12).tolist() for _ in range(20)))
    start = neural.start_weights(known, items, neural.Recipe(), seed)
    return {
        name: value + rng.normal(0, 0.1, value.shape).astype(np.float32)
        for name, value in start.items()
    }


def test_scores_follow_from_the_newest_vector_by_hand() -> None:
    net = SequenceNet(
        np.array([2, 5, 9], dtype=np.int32), (_plain(VECTORS, np.zeros(3)),), repeats=True
    )
    # The normed vector of item 2 is (1, -1), so the logits are 2, -2 and 4.
    expected = np.exp(SHARPNESS * (np.array([2.0, -2.0, 4.0]) - 4.0))
    np.testing.assert_allclose(net.scores(np.array([9, 2]), np.ones(2)), expected, rtol=1e-4)


def test_attention_takes_the_mean_of_the_window_when_it_has_no_preference() -> None:
    weights = _plain(VECTORS, np.zeros(3), window=2)
    weights |= {"give": np.eye(2, dtype=np.float32), "mix": np.eye(2, dtype=np.float32) * 10}
    # The window holds items 0 and 1, whose normed vectors cancel out; the item before them is out
    # of reach.
    newest_alone = last_hidden(weights, np.array([1]), np.ones(1))
    np.testing.assert_allclose(
        last_hidden(weights, np.array([2, 0, 1]), np.ones(3)), newest_alone, atol=1e-4
    )
    # An event of next to no weight is hardly attended to.
    other = last_hidden(weights, np.array([0, 1]), np.array([1.0, 1e-5]))
    np.testing.assert_allclose(other, -newest_alone, atol=1e-4)


def test_the_lag_bias_of_the_newest_event_is_its_first() -> None:
    weights = _plain(VECTORS, np.zeros(3), window=2)
    weights |= {
        "give": np.eye(2, dtype=np.float32),
        "mix": np.eye(2, dtype=np.float32) * 10,
        "lag": np.array([[-20, 0]], dtype=np.float32),
    }
    np.testing.assert_allclose(
        last_hidden(weights, np.array([0, 1]), np.ones(2)), [1, -1], atol=1e-4
    )


def test_items_of_the_history_score_0_where_items_do_not_repeat() -> None:
    net = SequenceNet(
        np.array([2, 5, 9], dtype=np.int32), (_plain(VECTORS, np.zeros(3)),), repeats=False
    )
    found = net.scores(np.array([9, 2]), np.ones(2))
    np.testing.assert_allclose(found, [0, 1, 0])


def test_a_history_of_everything_scores_0() -> None:
    net = SequenceNet(
        np.array([2, 5, 9], dtype=np.int32), (_plain(VECTORS, np.zeros(3)),), repeats=False
    )
    assert not net.scores(np.array([2, 5, 9]), np.ones(3)).any()


@pytest.mark.parametrize("item", [[], [0], [7, 99]])
def test_a_history_without_covered_items_scores_0(item: list[int]) -> None:
    net = SequenceNet(
        np.array([2, 5, 9], dtype=np.int32), (_plain(VECTORS, np.zeros(3)),), repeats=True
    )
    found = net.scores(np.array(item, dtype=np.int32), np.ones(len(item), dtype=np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [0, 0, 0]


def test_uncovered_items_and_those_of_no_weight_are_skipped() -> None:
    net = SequenceNet(np.arange(0, 60, 2, dtype=np.int32), (random_net(),), repeats=True)
    plain = net.scores(np.array([4, 10, 6]), np.ones(3))
    np.testing.assert_array_equal(
        net.scores(np.array([4, 5, 10, 6, 61, 8]), np.array([1.0, 1, 1, 1, 1, 0])), plain
    )


@pytest.mark.parametrize("repeats", [True, False])
def test_many_questions_are_answered_as_one_by_one(repeats: bool) -> None:
    net = SequenceNet(np.arange(30, dtype=np.int32), (random_net(), random_net(seed=1)), repeats)
    known = _history([1, 2, 3], [], [40], list(range(29)) * 3, [7])
    each = net.scores_each(known)
    alone = [
        net.scores(known.item[known.of(user)], known.weight[known.of(user)])
        for user in range(known.users)
    ]
    np.testing.assert_allclose(each, alone, rtol=1e-4, atol=1e-6)
    assert each.max(axis=1).tolist() == pytest.approx([1, 0, 0, 1, 1])


def test_a_net_survives_its_file(tmp_path: Path) -> None:
    net = SequenceNet(
        np.arange(30, dtype=np.int32), (random_net(), random_net(seed=1)), repeats=True
    )
    write_model(tmp_path / "model", {}, net.arrays("sequence"))
    again = SequenceNet.from_arrays(read_model(tmp_path / "model")[1], "sequence")
    question = (np.array([3, 4, 3]), np.ones(3))
    np.testing.assert_array_equal(again.scores(*question), net.scores(*question))
    assert again.repeats


def test_the_most_used_items_are_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "MOST_ITEMS", 2)
    covered, known = neural.cover(_history([5, 3, 5], [3, 1]), 8)
    assert covered.tolist() == [3, 5]
    assert known.item.tolist() == [1, 0, 1, 0]
    assert known.indptr.tolist() == [0, 3, 4]


def test_targets_are_the_next_events_and_nearer_ones_count_more() -> None:
    place, share = neural.targets(
        _history([4, 5, 6], [7, 8], weights=np.array([1, 1, 1, 1, 0.1], dtype=np.float32)), 2, 1.0
    )
    near = 1 / (1 + np.exp(-1))
    assert place[0].tolist() == [5, 6]
    np.testing.assert_allclose(
        share, [[near, 1 - near], [1, 0], [0, 0], [0.1, 0], [0, 0]], rtol=1e-5
    )


def test_a_pass_shows_every_event_at_most_once_and_nearly_all() -> None:
    known = _history(list(range(130)), [1], list(range(7)), list(range(50)))
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
    assert neural.train_sequence(_history([1, 2], [2, 1]), 3, seed=0, budget_seconds=1e6) is None


def test_there_is_no_net_where_nothing_follows() -> None:
    alone = _history(*([code % 50] for code in range(2_000)))
    assert neural.train_sequence(alone, 50, seed=0, budget_seconds=1e6) is None


def _cycles(users: int = 300, length: int = 12, items: int = 30) -> Histories:
    """Everyone walks the same circle from a place of their own."""
    rng = np.random.default_rng(0)
    return _history(
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


def test_a_net_moves_with_the_codes_of_its_items() -> None:
    net = SequenceNet(
        np.array([2, 5, 9], dtype=np.int32), (_plain(VECTORS, np.zeros(3)),), repeats=True
    )
    codes = np.full(10, -1)
    codes[[2, 9]] = 7, 3  # item 5 is gone, and the two others have changed places
    moved = net.moved(codes)
    assert moved.items.tolist() == [3, 7]
    before, after = net.scores(np.array([2]), np.ones(1)), moved.scores(np.array([7]), np.ones(1))
    np.testing.assert_allclose(
        after / after.max(), before[[2, 0]] / before[[2, 0]].max(), rtol=1e-5
    )
