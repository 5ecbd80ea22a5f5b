"""Metrics of a ranked answer against the items a user really took, 0 to 1, one row a metric.

Config and gate read this table, so a metric that the config takes is one that the gate can compute.
A name has one definition. NDCG is the standard one: its ideal has min(relevant, k) hits at the top.
Personalize's own metric of that name divides by the hits found; where it is shown it has a name of
its own, see `personalize_name`. An item that stands twice in an answer counts where it stands first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Truth = frozenset[str]


@dataclass(frozen=True)
class Metric:
    """`of_one_user(ranked items, relevant items, k)` looks at the first `k` of the answer.

    `scale` is how many percent the metric moves when NDCG@10 moves by one, all places being
    stretched alike: the gate's bars are said in percent of NDCG@10, whatever it decides on.
    """

    name: str
    of_one_user: Callable[[Sequence[str], Truth, int], float]
    k: int
    scale: float = 1.0

    def __call__(self, ranked: Sequence[str], truth: Truth) -> float:
        return self.of_one_user(ranked, truth, self.k)


def _hits(ranked: Sequence[str], truth: Truth, k: int) -> list[int]:
    """The places (from 1) of the relevant items among the first k, each item once."""
    left = set(truth)
    places = []
    for place, item in enumerate(ranked[:k], 1):
        if item in left:
            left.remove(item)
            places.append(place)
    return places


def reciprocal_rank(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """One over the place of the first hit, 0 without one."""
    return next((1 / place for place in _hits(ranked, truth, k)), 0.0)


def precision(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """The share of hits among the first k places, filled or not."""
    return len(_hits(ranked, truth, k)) / k


def ndcg(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """A hit at place r counts 1/log2(1 + r); the sum is divided by that of the ideal answer."""
    return _share_of_ideal(ranked, truth, k, lambda place: 1 / math.log2(1 + place))


def log_rank(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """A hit at place r counts 1 - log(r) / log(k + 1), a miss as if it stood at k + 1.

    The mean over the relevant items, divided by that of the ideal answer. A place twice as far down
    costs the same anywhere in the list: this is what lets a few users tell two models apart.
    """
    return _share_of_ideal(ranked, truth, k, lambda place: 1 - math.log(place) / math.log(k + 1))


def _share_of_ideal(
    ranked: Sequence[str], truth: Truth, k: int, worth: Callable[[int], float]
) -> float:
    gain = sum(map(worth, _hits(ranked, truth, k)))
    ideal = sum(map(worth, range(1, min(len(truth), k) + 1)))
    return gain / ideal if ideal else 0.0


_NDCG = "normalized_discounted_cumulative_gain"
DEEP = 500  # as many results as Personalize's batch inference gives
LOG_RANK_SCALE = 0.44  # measured: .44 on ml-100k likes, .51 to .68 by `make bench-gate`
_ROWS = (
    Metric(f"log_rank_at_{DEEP}", log_rank, DEEP, LOG_RANK_SCALE),
    *(Metric(f"{_NDCG}_at_{k}", ndcg, k) for k in (5, 10, 25)),
    *(Metric(f"precision_at_{k}", precision, k) for k in (5, 10, 25)),
    Metric("mean_reciprocal_rank_at_25", reciprocal_rank, 25),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ROWS}
DEFAULT = f"log_rank_at_{DEEP}"


def personalize_name(name: str) -> str:
    """What we call a metric of Personalize's own: apart where its definition is another than ours."""
    return f"{name} (of the hits found)" if name.startswith(_NDCG) else name
