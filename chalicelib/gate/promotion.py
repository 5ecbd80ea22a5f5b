"""From answers and withheld truth to a decision: promote, hold, or not enough evidence. Pure.

Candidate, live version and popularity answer for the same users, so they are compared in pairs:
the difference of each user's metric, its mean, and a confidence interval of that mean. Offline
metrics of versions trained on different data are not comparable (Personalize's guide says so), and
a live model cannot be judged on what it was trained on: hence the withheld truth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist, fmean, stdev

from chalicelib.documents import Action, Evidence
from chalicelib.vocabulary.metrics import METRICS, Truth

Answers = Mapping[str, Sequence[str]]  # user -> item ids, best first

CONFIDENCE = 0.95
MIN_PAIRS = (
    30  # below this many users the normal approximation of the interval is not to be trusted
)


@dataclass(frozen=True)
class Bars:
    """What a candidate must clear in `metric`.

    `over_popularity` is a factor over the baseline's mean, 0 for none; `max_regression` is relative to
    the live version's. `when_unsure` is done where the sample cannot tell.
    """

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
class Verdict:
    """What to do, what the truth says, and why. `metrics`: side -> metric -> mean over `users`."""

    action: Action
    evidence: Evidence
    reasons: tuple[str, ...]
    users: int = 0
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def unscored(recipe_type: str) -> Verdict:
    """For recipes that withheld interactions cannot judge."""
    reason = f"{recipe_type} has no offline test here: promoted as trained."
    return Verdict("promote", "first version", (reason,))


def per_user(metric: str, answers: Answers, truth: Mapping[str, Truth]) -> list[float]:
    """The metric of each user of `truth`, in its order; 0 for a user without an answer."""
    measure = METRICS[metric]
    return [measure(answers.get(user, ()), relevant) for user, relevant in truth.items()]


def summary(answers: Answers, truth: Mapping[str, Truth]) -> dict[str, float]:
    """The mean of every metric over the users of `truth`."""
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
    candidate: Answers,
    popularity: Answers,
    live: Answers | None,
    bars: Bars,
) -> Verdict:
    """`live` None: the first version of a campaign, judged by the floor over popularity alone."""
    sides = {"candidate": candidate, "popularity": popularity}
    if live is not None:
        sides["live"] = live
    metrics = {side: summary(answers, truth) for side, answers in sides.items()}
    mean = {side: values[bars.metric] for side, values in metrics.items()}
    mine = per_user(bars.metric, candidate, truth)
    floor = _compare(mine, per_user(bars.metric, popularity, truth), bars.over_popularity)
    differences, findings = [floor], []
    if bars.over_popularity:
        bar = mean["popularity"] * bars.over_popularity
        findings.append(_finding(floor, f"{bars.over_popularity:g} x popularity", bar))
    if live is not None:
        kept = 1 - bars.max_regression
        regression = _compare(mine, per_user(bars.metric, live, truth), kept)
        differences.append(regression)
        than = f"live less {bars.max_regression:.0%}"
        findings.append(_finding(regression, than, mean["live"] * kept))
    action, evidence, why = _judge(differences, len(truth), bars, first=live is None)
    head = ""
    if truth:
        head = f"{bars.metric} of the candidate is {mean['candidate']:.4f} for {len(truth)} users."
    reasons = tuple(line for line in (why, head, *findings) if line)
    return Verdict(action, evidence, reasons, len(truth), metrics)


def _compare(mine: Sequence[float], theirs: Sequence[float], factor: float) -> Interval:
    return interval([a - factor * b for a, b in zip(mine, theirs, strict=True)])


def _finding(difference: Interval, than: str, bar: float) -> str:
    """One sentence on a bar; "" where the sample is too small for an interval."""
    if math.isinf(difference.high):
        return ""
    verdict = "not told apart from"
    if difference.low >= 0:
        verdict = "above"
    elif difference.high < 0:
        verdict = "below"
    span = f"{CONFIDENCE:.0%} interval {difference.low:+.4f} to {difference.high:+.4f}"
    return f"It is {verdict} {than} ({bar:.4f}): {difference.mean:+.4f}, {span}."


def _judge(
    differences: Sequence[Interval], users: int, bars: Bars, *, first: bool
) -> tuple[Action, Evidence, str]:
    """Worse if any bar is surely missed, good enough if all are surely cleared, else unsure."""
    enough = users >= MIN_PAIRS
    if enough and any(difference.high < 0 for difference in differences):
        return "hold", "worse", "Held: the candidate is worse than it must be."
    if enough and all(difference.low >= 0 for difference in differences):
        reason = "Promoted: the withheld truth shows the candidate is good enough."
        return "promote", "first version" if first else "better", reason
    why = "the sample cannot tell"
    if not enough:
        why = f"{users} users were withheld, fewer than {MIN_PAIRS}"
    if first:
        reason = f"Not enough evidence ({why}). Promoted: nothing is live that it could harm."
        return "promote", "not enough evidence", reason
    verb = "Promoted" if bars.when_unsure == "promote" else "Held"
    reason = f"Not enough evidence ({why}). {verb}, as gate.when_unsure says."
    return bars.when_unsure, "not enough evidence", reason
