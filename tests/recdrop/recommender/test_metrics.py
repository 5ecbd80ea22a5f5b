from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender import metrics

ANSWER = ["1", "2", "3", "4", "5"]


def test_the_golden_vector_of_the_guide() -> None:
    truth = {"2", "5"}
    assert metrics.ndcg_retrieved(ANSWER, truth, 5) == pytest.approx(0.6241, abs=5e-5)
    assert metrics.precision(ANSWER, truth, 5) == pytest.approx(0.4)
    assert metrics.reciprocal_rank(ANSWER, truth) == pytest.approx(0.5)


def test_the_golden_mean_reciprocal_rank() -> None:
    answers = [["x"] * 3 + ["t"], ["x", "t"], ["x"] * 5 + ["t"]]
    found = metrics.evaluate_rankings(answers, [["t"]] * 3, 10)
    assert found.values[metrics.MRR] == pytest.approx(0.3056, abs=5e-5)


def test_the_standard_ndcg_also_counts_what_was_not_retrieved() -> None:
    truth = {"2", "5", "missing"}
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    expected = (1 / np.log2(3) + 1 / np.log2(6)) / ideal
    assert metrics.ndcg(ANSWER, truth, 5) == pytest.approx(expected)
    assert metrics.ndcg_retrieved(ANSWER, truth, 5) == pytest.approx(0.6241, abs=5e-5)


def test_nothing_found_is_zero() -> None:
    assert metrics.ndcg(ANSWER, {"9"}, 5) == metrics.ndcg_retrieved([], {"9"}, 5) == 0.0


def test_coverage_counts_the_first_25_of_every_answer() -> None:
    assert metrics.coverage([["a", "b"], ["b", *["c"] * 24, "beyond"]], 10) == pytest.approx(0.3)


def test_values_are_kept_per_user_in_order() -> None:
    found = metrics.evaluate_rankings([["t"], ["x"]], [["t"], ["t"]], 2)
    assert found.per_user[metrics.PRECISION.format(5)].tolist() == [0.2, 0.0]


def test_every_name_of_personalize_is_there() -> None:
    found = metrics.evaluate_rankings([["t"]], [["t"]], 2)
    assert set(metrics.PERSONALIZE_NAMES) <= set(found.values)
    assert metrics.STANDARD_NDCG.format(10) in found.values


def test_answers_without_their_truth_are_refused() -> None:
    with pytest.raises(ValueError, match=r"recommendations has length 1. Expected 2"):
        metrics.evaluate_rankings([["a"]], [["a"], ["b"]], 3)


def test_a_clear_gain_over_the_same_users_is_better() -> None:
    rng = np.random.default_rng(0)
    baseline = rng.random(200)
    found = metrics.compare(baseline + 0.1 + 0.01 * rng.standard_normal(200), baseline)
    assert found.is_better
    assert not found.is_worse
    assert found.low < found.difference < found.high


def test_noise_is_neither_better_nor_worse() -> None:
    rng = np.random.default_rng(1)
    found = metrics.compare(rng.random(50), rng.random(50))
    assert not found.is_better
    assert not found.is_worse


def test_no_users_say_nothing() -> None:
    found = metrics.compare(np.zeros(0), np.zeros(0))
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_a_comparison_of_different_users_is_refused() -> None:
    with pytest.raises(ValueError, match=r"candidate has 2 users. Expected 3"):
        metrics.compare(np.zeros(2), np.zeros(3))
