"""From answers and withheld truth to a decision: promote, hold, or not enough evidence. Pure.

Candidate, live version and popularity answer for the same users, so they are compared in pairs:
the difference of each user's metric, its mean, and a confidence interval of that mean. Offline
metrics of versions trained on different data are not comparable (Personalize's guide says so), and
a live model cannot be judged on what it was trained on: hence the withheld truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist, fmean, stdev
from typing import Literal

CONFIDENCE = 0.95
MIN_PAIRS = (
    30  # below this many users the normal approximation of the interval is not to be trusted
)

Action = Literal["promote", "hold"]
Outcome = Literal["better", "worse", "not enough evidence", "first version"]
Truth = frozenset[str]


@dataclass(frozen=True)
class Gate:
    """`over_popularity` is a factor; `max_regression` is relative to the live version's mean."""

    metric: str
    over_popularity: float
    max_regression: float
    when_unsure: Action


@dataclass(frozen=True)
class Interval:
    """Mean of paired differences and its confidence interval, in the metric's unit."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Decision:
    action: Action
    outcome: Outcome
    reasons: tuple[str, ...]
    users: int
    metrics: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict
    )  # side -> metric -> mean
    over_popularity: Interval | None = None
    over_live: Interval | None = None


# -- metrics of one user: ranked answer, relevant items -> 0..1 (definitions: Personalize's guide) --


def reciprocal_rank(ranked: Sequence[str], truth: Truth, k: int) -> float:
    return next((1 / rank for rank, item in enumerate(ranked[:k], 1) if item in truth), 0.0)


def precision(ranked: Sequence[str], truth: Truth, k: int) -> float:
    return sum(item in truth for item in ranked[:k]) / k


def ndcg(ranked: Sequence[str], truth: Truth, k: int) -> float:
    """Discount 1/log2(1 + rank); the ideal has min(relevant, k) hits at the top."""
    gain = sum(1 / math.log2(1 + rank) for rank, item in enumerate(ranked[:k], 1) if item in truth)
    ideal = sum(1 / math.log2(1 + rank) for rank in range(1, min(len(truth), k) + 1))
    return gain / ideal if ideal else 0.0


_KINDS: tuple[tuple[str, Callable[[Sequence[str], Truth, int], float], tuple[int, ...]], ...] = (
    ("normalized_discounted_cumulative_gain", ndcg, (5, 10, 25)),
    ("precision", precision, (5, 10, 25)),
    ("mean_reciprocal_rank", reciprocal_rank, (25,)),
)
METRICS = {f"{kind}_at_{k}": (function, k) for kind, function, ks in _KINDS for k in ks}


def per_user(
    metric: str, answers: Mapping[str, Sequence[str]], truth: Mapping[str, Truth]
) -> list[float]:
    """The metric of each user of `truth`, in its order; 0 for a user without an answer."""
    function, k = METRICS[metric]
    return [function(answers.get(user, ()), relevant, k) for user, relevant in truth.items()]


def summary(answers: Mapping[str, Sequence[str]], truth: Mapping[str, Truth]) -> dict[str, float]:
    return {metric: fmean(per_user(metric, answers, truth)) if truth else 0.0 for metric in METRICS}


def interval(differences: Sequence[float]) -> Interval:
    """Normal-approximation interval of the mean at CONFIDENCE.

    One difference or none has an infinite one.
    """
    mean = fmean(differences) if differences else 0.0
    if len(differences) < 2:
        return Interval(mean, -math.inf, math.inf)
    half = (
        NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        * stdev(differences)
        / math.sqrt(len(differences))
    )
    return Interval(mean, mean - half, mean + half)


# -- the decision ----------------------------------------------------------------------------------


def decide(
    truth: Mapping[str, Truth],
    candidate: Mapping[str, Sequence[str]],
    popularity: Mapping[str, Sequence[str]],
    live: Mapping[str, Sequence[str]] | None,
    gate: Gate,
) -> Decision:
    """`live` None: the first version of a campaign, which is judged by the floor over popularity
    alone.
    """
    sides = {
        "candidate": candidate,
        "popularity": popularity,
        **({"live": live} if live is not None else {}),
    }
    metrics = {side: summary(answers, truth) for side, answers in sides.items()}
    mine = per_user(gate.metric, candidate, truth)
    floor = _compare(mine, per_user(gate.metric, popularity, truth), gate.over_popularity)
    regression = (
        _compare(mine, per_user(gate.metric, live, truth), 1 - gate.max_regression)
        if live is not None
        else None
    )
    bar = metrics["popularity"][gate.metric] * gate.over_popularity
    findings = (
        [_finding(floor, f"{gate.over_popularity:g} x popularity", bar)]
        if gate.over_popularity
        else []
    )
    if regression is not None:
        bar = metrics["live"][gate.metric] * (1 - gate.max_regression)
        findings.append(_finding(regression, f"live less {gate.max_regression:.0%}", bar))
    action, outcome, why = _judge(
        [floor, *([regression] if regression else [])], len(truth), gate, first=live is None
    )
    head = (
        f"{gate.metric} of the candidate is {metrics['candidate'][gate.metric]:.4f} for {len(truth)} users."
        if truth
        else ""
    )
    reasons = tuple(line for line in (why, head, *findings) if line)
    return Decision(action, outcome, reasons, len(truth), metrics, floor, regression)


def _compare(mine: Sequence[float], theirs: Sequence[float], factor: float) -> Interval:
    return interval([a - factor * b for a, b in zip(mine, theirs, strict=True)])


def _finding(difference: Interval, than: str, bar: float) -> str:
    if math.isinf(difference.high):
        return ""
    verdict = (
        "above"
        if difference.low >= 0
        else "below"
        if difference.high < 0
        else "not told apart from"
    )
    span = f"{difference.mean:+.4f}, {CONFIDENCE:.0%} interval {difference.low:+.4f} to {difference.high:+.4f}"
    return f"It is {verdict} {than} ({bar:.4f}): {span}."


def _judge(
    bars: Sequence[Interval], users: int, gate: Gate, *, first: bool
) -> tuple[Action, Outcome, str]:
    enough = users >= MIN_PAIRS
    if enough and any(bar.high < 0 for bar in bars):
        return "hold", "worse", "Held: the candidate is worse than it must be."
    if enough and all(bar.low >= 0 for bar in bars):
        return (
            "promote",
            "first version" if first else "better",
            "Promoted: the withheld truth shows the candidate is good enough.",
        )
    why = (
        f"{users} users were withheld, fewer than {MIN_PAIRS}"
        if not enough
        else "the sample cannot tell"
    )
    if first:
        return (
            "promote",
            "not enough evidence",
            f"Not enough evidence ({why}). Promoted: nothing is live that it could harm.",
        )
    verb = "Promoted" if gate.when_unsure == "promote" else "Held"
    return (
        gate.when_unsure,
        "not enough evidence",
        f"Not enough evidence ({why}). {verb}, as gate.when_unsure says.",
    )
