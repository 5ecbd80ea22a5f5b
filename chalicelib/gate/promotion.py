"""From answers and withheld truth to a decision: promote, hold, or not enough evidence. Pure.

Candidate, live version and popularity answer for the same users, so they are compared in pairs:
the difference of each user's metric, and a bound of its mean that holds however often one looks
(gate/evidence). Offline metrics of versions trained on different data are not comparable
(Personalize's guide says so), and a live model cannot be judged on what it was trained on: hence the
withheld truth.

The claim that is proven before a promotion is that the candidates of this lineage are not worse than
the live version by `max_regression` or more. Evidence of earlier candidates against the same live
version counts; but a candidate that its own night shows to be worse is held whatever they were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from statistics import fmean

from chalicelib.documents import Action, Difference, Evidence, Night
from chalicelib.gate import evidence
from chalicelib.gate.evidence import Estimate, Sample
from chalicelib.vocabulary.metrics import METRICS, Metric, Truth

Answers = Mapping[str, Sequence[str]]  # user -> item ids, best first
Bar = Callable[[Night], Difference]
LIVE: Bar = attrgetter("to_live")
FLOOR: Bar = attrgetter("to_floor")

# A candidate whose own night is below the bar at this level is not carried by earlier ones.
OWN_NIGHT = 0.1
ROUNDING = 1e-9  # two versions that answer the same differ by less


@dataclass(frozen=True)
class Bars:
    """What a candidate must clear in `metric`.

    `over_popularity` is a factor over the baseline's mean, 0 for none; `max_regression` is relative to
    the live version's. Both are said in terms of NDCG@10 and scaled to the metric. `when_unsure` is
    done where the sample cannot tell.
    """

    metric: str
    over_popularity: float
    max_regression: float
    when_unsure: Action

    @property
    def measure(self) -> Metric:
        return METRICS[self.metric]

    @property
    def tolerance(self) -> float:
        """The share of the live version's metric that may be lost."""
        return self.max_regression * self.measure.scale

    @property
    def floor(self) -> float:
        """The factor over popularity's metric, 0 for none."""
        over = (self.over_popularity - 1) * self.measure.scale
        return 1 + over if self.over_popularity else 0.0


@dataclass(frozen=True)
class Verdict:
    """What to do, what the truth says, and why. `metrics`: side -> metric -> mean over `users`.

    `night` is what this run adds to the evidence against its live version.
    """

    action: Action
    evidence: Evidence
    reasons: tuple[str, ...]
    users: int = 0
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    night: Night | None = None


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


# -- the decision ----------------------------------------------------------------------------------


def decide(
    truth: Mapping[str, Truth],
    candidate: Answers,
    popularity: Answers,
    live: Answers | None,
    bars: Bars,
    *,
    run: str = "",
    before: Sequence[Night] = (),
    population: int = 0,
) -> Verdict:
    """The verdict on one candidate.

    `live` None: the first version of a campaign, judged by the floor over popularity alone. `before`
    are the nights of earlier candidates against the same live version; `population` is how many
    users might have been drawn for this one.
    """
    sides = {"candidate": candidate, "popularity": popularity}
    if live is not None:
        sides["live"] = live
    metrics = {side: summary(answers, truth) for side, answers in sides.items()}
    scores = {side: per_user(bars.metric, answers, truth) for side, answers in sides.items()}
    tonight = _night(run, scores, bars, population)
    # A task that is entered again finds its own night among those before.
    nights = [*(night for night in before if night.run != run), *([tonight] if truth else [])]
    judge = judge_first if live is None else judge_next
    action, found, reasons = judge(nights, bars)
    return Verdict(action, found, reasons, len(truth), metrics, tonight if truth else None)


def _night(run: str, scores: Mapping[str, Sequence[float]], bars: Bars, population: int) -> Night:
    """The differences to both bars, as moments: all that later nights need to know."""
    live = scores.get("live") or [0.0] * len(scores["candidate"])
    to_live = _difference(scores["candidate"], live, 1 - bars.tolerance)
    to_floor = _difference(scores["candidate"], scores["popularity"], bars.floor)
    return Night(
        run=run,
        users=len(live),
        population=population,
        live=fmean(live) if live else 0.0,
        to_live=to_live,
        to_floor=to_floor,
    )


def _difference(mine: Sequence[float], theirs: Sequence[float], factor: float) -> Difference:
    found = Sample.of([a - factor * b for a, b in zip(mine, theirs, strict=True)])
    # Of one user there is no variance; MIN_USERS keeps such a night from proving anything.
    variance = 0.0 if math.isinf(found.variance) else found.variance
    return Difference(found.mean, variance, found.third)


def _samples(nights: Sequence[Night], bar: Bar) -> list[Sample]:
    found = [(night, bar(night)) for night in nights]
    return [
        Sample(night.users, to_bar.mean, to_bar.variance, night.population, to_bar.third)
        for night, to_bar in found
    ]


def judge_first(nights: Sequence[Night], bars: Bars) -> tuple[Action, Evidence, tuple[str, ...]]:
    """Nothing is live that it could harm: only what is surely below the floor is held."""
    floor = evidence.pool(_samples(nights[-1:], FLOOR))
    about = _about_floor(floor, bars)
    if _is_below(floor, evidence.ALPHA):
        return "hold", "worse", ("Held: the candidate is worse than it must be.", *about)
    if floor.users >= evidence.MIN_USERS and floor.low >= 0:
        why = "Promoted: the withheld truth shows the candidate is good enough."
        if not bars.over_popularity:
            why = (
                "Promoted: nothing is live that it could harm, and no floor over popularity is set."
            )
        return "promote", "first version", (why, *about)
    why = (
        f"Not enough evidence ({_why_unsure(floor.users)}). "
        "Promoted: nothing is live that it could harm."
    )
    return "promote", "not enough evidence", (why, *about)


def judge_next(nights: Sequence[Night], bars: Bars) -> tuple[Action, Evidence, tuple[str, ...]]:
    """Worse if tonight surely misses a bar; good enough if all nights surely clear both."""
    live, floor = (evidence.pool(_samples(nights, bar)) for bar in (LIVE, FLOOR))
    own = [evidence.pool(_samples(nights[-1:], bar)) for bar in (LIVE, FLOOR)]
    level = _level(nights)
    about = (
        *_about_live(live, level, bars),
        *_about_floor(floor, bars),
        *_about_power(nights, bars),
    )
    if any(_is_below(estimate, evidence.ALPHA) for estimate in own):
        return "hold", "worse", ("Held: the candidate is worse than it must be.", *about)
    enough = live.users >= evidence.MIN_USERS and live.low >= 0 and floor.low >= 0
    if enough and not any(_is_below(estimate, OWN_NIGHT) for estimate in own):
        if live.low > bars.tolerance * level + ROUNDING:
            return "promote", "better", ("Promoted: the candidate is better than live.", *about)
        why = "Promoted: the candidate is not worse than live by more than is tolerated."
        return "promote", "not worse", (why, *about)
    verb = "Promoted" if bars.when_unsure == "promote" else "Held"
    why = f"Not enough evidence ({_why_unsure(live.users)}). {verb}, as gate.when_unsure says."
    more = _about_more(nights, bars) if bars.when_unsure == "hold" else ()
    return bars.when_unsure, "not enough evidence", (why, *about, *more)


def _is_below(estimate: Estimate, alpha: float) -> bool:
    return estimate.users >= evidence.MIN_USERS and estimate.above(alpha) < 0


def _level(nights: Sequence[Night]) -> float:
    """The live version's mean over all users of all nights."""
    users = sum(night.users for night in nights)
    return sum(night.users * night.live for night in nights) / users if users else 0.0


def users_wanted(nights: Sequence[Night], bars: Bars, detect: float) -> int:
    """How many users would show a loss of `detect` (of NDCG@10); 0 where no night says how they vary."""
    margin = detect * bars.measure.scale * _level(nights)
    return evidence.users_needed(evidence.pool(_samples(nights, LIVE)).deviation, margin)


# -- in words --------------------------------------------------------------------------------------


def _why_unsure(users: int) -> str:
    if users < evidence.MIN_USERS:
        return f"{users} users were withheld, fewer than {evidence.MIN_USERS}"
    return "the sample cannot tell"


def _about_live(live: Estimate, level: float, bars: Bars) -> tuple[str, ...]:
    """By how much it is better or worse than live, with the bound, in percent of live's metric."""
    if live.users < evidence.MIN_USERS or not level:
        return ()
    mean, low = live.mean / level - bars.tolerance, live.low / level - bars.tolerance
    scale = bars.measure.scale
    tolerated = f"{bars.tolerance:.1%} less is tolerated"
    if scale != 1:
        tolerated += f", which is about {bars.max_regression:.1%} of NDCG@10"
    nights = "" if live.nights == 1 else f" of {live.nights} nights"
    found = f"{bars.metric} is {_percent(mean)} live's ({level:.4f})"
    over = f"over {live.users:,} users{nights}, at worst {_percent(low)}"
    return (f"{found} {over}; {tolerated}.",)


def _percent(share: float) -> str:
    return f"{abs(share):.1%} {'above' if share >= 0 else 'below'}"


def _about_floor(floor: Estimate, bars: Bars) -> tuple[str, ...]:
    if floor.users < evidence.MIN_USERS or not bars.over_popularity:
        return ()
    verdict = "not told apart from"
    if floor.low >= 0:
        verdict = "above"
    elif floor.above(evidence.ALPHA) < 0:
        verdict = "below"
    span = f"{floor.mean:+.4f}, at worst {floor.low:+.4f}"
    return (f"It is {verdict} {bars.floor:g} x popularity in {bars.metric}: {span}.",)


def _about_power(nights: Sequence[Night], bars: Bars) -> tuple[str, ...]:
    """What loss tonight's sample would show, in terms of NDCG@10."""
    if not nights or nights[-1].users < evidence.MIN_USERS or not nights[-1].live:
        return ()
    last = nights[-1]
    seen = evidence.detectable(math.sqrt(last.to_live.variance), last.users)
    loss = seen / (last.live * bars.measure.scale)
    return (f"With {last.users:,} users this gate sees a loss of {loss:.1%} in 8 of 10 cases.",)


def _about_more(nights: Sequence[Night], bars: Bars) -> tuple[str, ...]:
    """How many more nights, or how many users at once, would settle it."""
    if not nights or not nights[-1].live or nights[-1].users < 2:
        return ("More users with interactions newer than live's data would settle it.",)
    margin = bars.tolerance * _level(nights)
    samples = _samples(nights, LIVE)
    deviation = evidence.pool(samples).deviation
    at_once = evidence.users_needed(deviation, margin)
    more = evidence.nights_needed(samples, margin)
    count = "about 1 more night" if more == 1 else f"about {more} more nights"
    if more is None:
        count = f"more than {evidence.MOST_NIGHTS} nights"
    found = f"{count} of {nights[-1].users:,} users"
    return (
        f"For a candidate as good as live {found} would settle it, or {at_once:,} users at once.",
    )
