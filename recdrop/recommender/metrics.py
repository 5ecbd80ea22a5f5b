"""Ranking metrics: Amazon Personalize's definitions under its names, the standard ones beside them.

Personalize divides DCG by the ideal DCG of the relevant items that were *retrieved*, which rewards a
short hit list; the standard NDCG divides by the ideal of min(K, |truth|) items. Values are kept per
user, so that two models can be compared on the same users.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from recdrop.recommender.data.records import Array

Id = TypeVar("Id", str, int)
CUTOFFS = (5, 10, 25)
COVERAGE = "coverage"
MRR = "mean_reciprocal_rank_at_25"
NDCG = "normalized_discounted_cumulative_gain_at_{}"
PRECISION = "precision_at_{}"
STANDARD_NDCG = "standard_ndcg_at_{}"
PERSONALIZE_NAMES = (
    COVERAGE,
    MRR,
    *(NDCG.format(k) for k in CUTOFFS),
    *(PRECISION.format(k) for k in CUTOFFS),
)


def ndcg_retrieved(recommended: Sequence[str], truth: Collection[str], k: int) -> float:
    """Personalize's NDCG: the ideal holds only the relevant items among the first `k` recommended."""
    found = _found_positions(recommended, truth, k)
    return _dcg(found) / _dcg(range(len(found))) if found else 0.0


def ndcg(recommended: Sequence[Id], truth: Collection[Id], k: int) -> float:
    """The standard NDCG: the ideal holds min(k, |truth|) relevant items."""
    found = _found_positions(recommended, truth, k)
    return _dcg(found) / _dcg(range(min(k, len(set(truth))))) if found else 0.0


def reciprocal_rank(recommended: Sequence[str], truth: Collection[str], k: int = 25) -> float:
    """One over the place of the first relevant item among the first `k`, else 0."""
    found = _found_positions(recommended, truth, k)
    return 1.0 / (found[0] + 1) if found else 0.0


def precision(recommended: Sequence[str], truth: Collection[str], k: int) -> float:
    """The share of relevant items among the first `k`; always over `k`, as Personalize does."""
    return len(_found_positions(recommended, truth, k)) / k


def coverage(recommendations: Sequence[Sequence[str]], catalogue_size: int) -> float:
    """Unique items in the first 25 of every answer, over the size of the catalogue."""
    # 25, as Personalize counts it.
    shown = {item for recommended in recommendations for item in recommended[:25]}
    return len(shown) / catalogue_size if catalogue_size else 0.0


@dataclass(frozen=True)
class Evaluation:
    """`per_user[name]` is float64[users], in the order of the questions.

    `values` are the means over users, and the coverage.
    """

    per_user: Mapping[str, Array]
    values: Mapping[str, float]


def evaluate_rankings(
    recommendations: Sequence[Sequence[str]], truths: Sequence[Collection[str]], catalogue_size: int
) -> Evaluation:
    """Every metric of the answers against the truths, pairwise in order.

    Raises:
        ValueError: There are not as many answers as truths.
    """
    if len(recommendations) != len(truths):
        raise ValueError(
            f"recommendations has length {len(recommendations)}. "
            f"Expected {len(truths)}, one per truth"
        )
    sets = [set(truth) for truth in truths]
    pairs = list(zip(recommendations, sets, strict=True))
    per_user = {
        name: np.array(
            [measure(recommended, truth) for recommended, truth in pairs], dtype=np.float64
        )
        for name, measure in _measures().items()
    }
    values = {name: float(found.mean()) if len(found) else 0.0 for name, found in per_user.items()}
    return Evaluation(per_user, {COVERAGE: coverage(recommendations, catalogue_size), **values})


@dataclass(frozen=True)
class Comparison:
    """Candidate minus baseline, paired by user.

    `low` to `high` is the 95 % confidence interval of the mean difference.
    """

    difference: float
    low: float
    high: float
    users: int

    @property
    def is_better(self) -> bool:
        return self.low > 0

    @property
    def is_worse(self) -> bool:
        return self.high < 0


def compare(candidate: Array, baseline: Array, *, samples: int = 2000, seed: int = 0) -> Comparison:
    """The paired difference of two models, with a bootstrap over users.

    Both arrays are float[users], the same users in the same order.

    Raises:
        ValueError: The arrays have different lengths.
    """
    if len(candidate) != len(baseline):
        raise ValueError(
            f"candidate has {len(candidate)} users. Expected {len(baseline)}, as the baseline has"
        )
    differences = np.asarray(candidate, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)
    if not len(differences):
        return Comparison(0.0, -math.inf, math.inf, 0)
    mean = float(differences.mean())
    # One user says nothing of the spread between users.
    if len(differences) == 1:
        return Comparison(mean, -math.inf, math.inf, 1)
    low, high = np.quantile(_bootstrap_means(differences, samples, seed), (0.025, 0.975))
    return Comparison(mean, float(low), float(high), len(differences))


def _bootstrap_means(differences: Array, samples: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(differences, len(differences)).mean() for _ in range(samples)])


def _found_positions(recommended: Sequence[Id], truth: Collection[Id], k: int) -> list[int]:
    return [position for position, item in enumerate(recommended[:k]) if item in truth]


def _dcg(positions: Sequence[int] | range) -> float:
    # Positions count from 0: the first place has the discount log2(2) = 1.
    return sum(1.0 / math.log2(position + 2) for position in positions)


Measure = Callable[[Sequence[str], Collection[str]], float]


def _at(measure: Callable[[Sequence[str], Collection[str], int], float], k: int) -> Measure:
    return lambda recommended, truth: measure(recommended, truth, k)


def _measures() -> dict[str, Measure]:
    found: dict[str, Measure] = {MRR: _at(reciprocal_rank, 25)}
    for k in CUTOFFS:
        found[NDCG.format(k)] = _at(ndcg_retrieved, k)
    for k in CUTOFFS:
        found[PRECISION.format(k)] = _at(precision, k)
    for k in CUTOFFS:
        found[STANDARD_NDCG.format(k)] = _at(ndcg, k)
    return found
