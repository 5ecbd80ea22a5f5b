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
def test_every_metric_is_one_for_a_perfect_answer_and_zero_for_none(name: str) -> None:
    measure = metrics.METRICS[name]
    ranked = [f"i{n}" for n in range(measure.k)]
    assert measure(ranked, frozenset(ranked)) == 1.0
    assert measure((), frozenset(ranked)) == 0.0
