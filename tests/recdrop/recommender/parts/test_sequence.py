from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recdrop.recommender.data.records import Array
from recdrop.recommender.files import read_model, write_model
from recdrop.recommender.parts.sequence import SHARPNESS, SequenceNet, last_hidden
from tests.recdrop.recommender.nets import history_of, random_net


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
    known = history_of([1, 2, 3], [], [40], list(range(29)) * 3, [7])
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
