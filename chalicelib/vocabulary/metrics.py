"""Metrics of a ranked answer against the items a user really took, 0 to 1, one row a metric.

Config and gate read this table, so a metric that the config takes is one that the gate can compute.
NDCG is the standard one: its ideal has min(relevant, k) hits at the top. (Personalize's own metric of
that name divides by the hits found; it is shown beside ours and decides nothing.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Truth = frozenset[str]


@dataclass(frozen=True)
class Metric:
    """`of_one_user(ranked items, relevant items, k)` looks at the first `k` of the answer."""

    name: str
    of_one_user: Callable[[Sequence[str], Truth, int], float]
    k: int

    def __call__(self, ranked: Sequence[str], truth: Truth) -> float:
        return self.of_one_user(ranked, truth, self.k)


def reciprocal_rank(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """One over the place of the first hit, 0 without one."""
    return next((1 / rank for rank, item in enumerate(ranked[:k], 1) if item in truth), 0.0)


def precision(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """The share of hits among the first k places, filled or not."""
    return sum(item in truth for item in ranked[:k]) / k


def ndcg(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """A hit at place r counts 1/log2(1 + r); the sum is divided by that of the ideal answer."""
    gain = sum(1 / math.log2(1 + rank) for rank, item in enumerate(ranked[:k], 1) if item in truth)
    ideal = sum(1 / math.log2(1 + rank) for rank in range(1, min(len(truth), k) + 1))
    return gain / ideal if ideal else 0.0


_ROWS = (
    *(Metric(f"normalized_discounted_cumulative_gain_at_{k}", ndcg, k) for k in (5, 10, 25)),
    *(Metric(f"precision_at_{k}", precision, k) for k in (5, 10, 25)),
    Metric("mean_reciprocal_rank_at_25", reciprocal_rank, 25),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ROWS}
DEFAULT = "normalized_discounted_cumulative_gain_at_10"
