from __future__ import annotations

import pytest

from chalicelib.vocabulary import metrics


def test_the_golden_vectors_of_the_guide() -> None:
    ranked = ["a", "hit", "b", "c", "hit2"]
    truth = frozenset({"hit", "hit2"})
    assert metrics.reciprocal_rank(ranked, truth, 25) == 0.5
    assert metrics.ndcg(ranked, truth, 5) == pytest.approx(0.6241, abs=5e-5)
    assert metrics.precision(ranked, truth, 5) == 0.4


def test_the_default_is_a_metric_of_the_table() -> None:
    assert metrics.DEFAULT in metrics.METRICS


@pytest.mark.parametrize("name", metrics.METRICS)
def test_an_item_that_stands_twice_counts_once(name: str) -> None:
    measure = metrics.METRICS[name]
    twice = measure(["hit", "hit", "a"], frozenset({"hit"}))
    assert twice == measure(["hit", "b", "a"], frozenset({"hit"})) <= 1


def test_log_rank_costs_the_same_for_each_doubling_of_the_place() -> None:
    def at(place: int) -> float:
        return metrics.log_rank(["x"] * (place - 1) + ["hit"], frozenset({"hit"}), 500)

    assert at(1) == 1
    assert at(2) - at(4) == pytest.approx(at(200) - at(400))
    assert at(501) == metrics.log_rank((), frozenset({"hit"}), 500) == 0
    assert 0 < at(500) < 0.001


def test_personalizes_ndcg_has_a_name_of_its_own() -> None:
    own = "normalized_discounted_cumulative_gain_at_10"
    assert metrics.personalize_name(own) not in metrics.METRICS
    assert metrics.personalize_name("coverage") == "coverage"


@pytest.mark.parametrize("name", metrics.METRICS)
def test_every_metric_is_one_for_a_perfect_answer_and_zero_for_none(name: str) -> None:
    measure = metrics.METRICS[name]
    ranked = [f"i{n}" for n in range(measure.k)]
    assert measure(ranked, frozenset(ranked)) == 1.0
    assert measure((), frozenset(ranked)) == 0.0
