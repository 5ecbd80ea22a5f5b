"""How sure is a mean of paired differences, when it is looked at every night? Pure.

A candidate is asked about users whom no version has seen, next to the live version; each user gives
one difference. All nights against the same live version are pooled, and a bound is needed that holds
at every look, not at one.

So the error is spent over the nights: night k may be wrong, having been right before, with
probability ALPHA * share(k), and over all nights, however many, the shares sum to 1. That is a
confidence sequence over the nights: error spending by Lan and DeMets, "Discrete sequential boundaries
for clinical trials" (Biometrika 70, 1983), section 2, with the boundaries found by the recursive
integration of Armitage, McPherson and Rowe, "Repeated significance tests on accumulating data"
(Journal of the Royal Statistical Society A 132, 1969), section 2, as Jennison and Turnbull, "Group
sequential methods" (2000), give it in chapters 7 and 19; the bound read as an interval is their
repeated confidence interval (chapter 9). It plays the part of the stitched bound of Howard, Ramdas,
McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (Annals of
Statistics 49, 2021), section 3.1, where nobody looks between two users. Like the asymptotic confidence
sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 52, 2024), section 2,
it rests on the central limit theorem with an estimated variance. docs/research.md says what a mixture
bound would cost instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, variance

ALPHA = 0.05  # the error over all nights together
POWER = 0.8  # what "sees" means: in 8 of 10 cases
MIN_USERS = 30  # below this many the central limit theorem is not to be trusted
MOST_NIGHTS = 60  # further than this nobody plans
ZETA = math.pi**2 / 6  # the sum of 1 / k**2 over all k
LEAST_NEWS = 0.01  # below this share of new information a night stands by itself
GRID, DEPTH = 160, 8.0  # points, and how many standard deviations down, of the integration


@dataclass(frozen=True)
class Sample:
    """The differences of one night.

    `third` is their third central moment, `population` how many users might have been drawn, 0 where
    nobody knows.
    """

    users: int
    mean: float
    variance: float
    population: int = 0
    third: float = 0.0

    @classmethod
    def of(cls, differences: Sequence[float], population: int = 0) -> Sample:
        spread = variance(differences) if len(differences) > 1 else math.inf
        mean = fmean(differences) if differences else 0.0
        third = fmean([(value - mean) ** 3 for value in differences]) if differences else 0.0
        return cls(len(differences), mean, spread, population, third)


@dataclass(frozen=True)
class Estimate:
    """A pooled mean; `error` is its standard error, `deviation` that of one user.

    `level` is the error that may be made tonight, as if it were the only night. `skewness` is that of
    the users' differences.
    """

    users: int
    mean: float
    error: float
    deviation: float
    nights: int
    level: float
    skewness: float = 0.0

    @property
    def low(self) -> float:
        """The lower bound that holds at every look."""
        return self.mean - self._half(self.level) - self._rare_losses(self.level)

    def above(self, alpha: float) -> float:
        """The upper bound at a single look."""
        return self.mean + self._half(alpha)

    def _rare_losses(self, alpha: float) -> float:
        """What a long tail of losses adds, of which a sample has seen too few.

        By the first term of the Edgeworth expansion of Student's statistic: Hall, "The bootstrap and
        Edgeworth expansion" (1992), section 2.6. A long tail of gains is no reason to be lenient.
        """
        if self.users < 2:
            return 0.0
        return tail(self.skewness, alpha, self.users) * self.error

    def _half(self, alpha: float) -> float:
        if self.users < 2:
            return math.inf
        return quantile(alpha, self.users - self.nights) * self.error


def pool(nights: Sequence[Sample]) -> Estimate:
    """All nights as one sample.

    A user whom two nights have drawn counts as one: of n and m users drawn from N, n * m / N are the
    same, and their differences are taken as equal. So asking the same few people every night proves
    nothing new.
    """
    nights = [night for night in nights if night.users]
    users = sum(night.users for night in nights)
    if not users:
        return Estimate(0, 0.0, math.inf, math.inf, 0, share(1) * ALPHA)
    mean = sum(night.users * night.mean for night in nights) / users
    within = sum(night.users * night.variance for night in nights)
    error, deviation = _error(nights), math.sqrt(within / users)
    level = levels(effective_users(nights))[-1]
    third = sum(night.users * night.third for night in nights) / users
    skewness = third / deviation**3 if deviation and math.isfinite(deviation) else 0.0
    return Estimate(users, mean, error, deviation, len(nights), level, skewness)


def _error(nights: Sequence[Sample]) -> float:
    within = sum(night.users * night.variance for night in nights)
    again = sum(
        2 * _drawn_twice(first, second) * math.sqrt(first.variance * second.variance)
        for place, first in enumerate(nights)
        for second in nights[:place]
    )
    return math.sqrt(within + again) / sum(night.users for night in nights)


def effective_users(nights: Sequence[Sample]) -> tuple[float, ...]:
    """After each night, how many users asked once would know as much; it never falls."""
    found: list[float] = []
    users = again = 0.0
    for place, night in enumerate(nights):
        users += night.users
        again += 2 * sum(_drawn_twice(night, earlier) for earlier in nights[:place])
        found.append(max(users**2 / (users + again), found[-1] if found else 0.0))
    return tuple(found)


def _drawn_twice(first: Sample, second: Sample) -> float:
    """How many users two nights share, as expected."""
    known = [sample.population for sample in (first, second) if sample.population]
    if not known:
        return 0.0
    most = min(first.users, second.users)
    return min(most, first.users * second.users / min(known))


def share(night: int) -> float:
    """The part of ALPHA that a night (from 1) may spend."""
    return 1 / night**2 / ZETA


@lru_cache(maxsize=256)
def levels(information: tuple[float, ...]) -> tuple[float, ...]:
    """The single-look error of each night that spends just its share, given the nights before.

    `information` is the pooled one after each night, in any unit. Below the bar, the sum of all
    differences is a random walk seen at these times; what has crossed earlier is cut off.
    """
    normal = NormalDist()
    found = [ALPHA * share(1)]
    edge = normal.inv_cdf(1 - found[0])
    now = information[0]
    walk = _cut_off(math.sqrt(now), edge)
    weights = [normal.pdf(x / math.sqrt(now)) / math.sqrt(now) * w for x, w in walk]
    points = [x for x, _ in walk]
    for night, then in enumerate(information[1:], 2):
        spend = ALPHA * share(night)
        if then - now < LEAST_NEWS * now:
            found.append(spend)  # a union bound: it needs no word on what came before
            continue
        step = math.sqrt(then - now)
        edge = _edge(points, weights, step, math.sqrt(then), spend)
        found.append(1 - normal.cdf(edge))
        walk = _cut_off(math.sqrt(then), edge)
        weights = [w * _density(points, weights, x, step) for x, w in walk]
        points, now = [x for x, _ in walk], then
    return tuple(found)


def _cut_off(scale: float, edge: float) -> list[tuple[float, float]]:
    """Points and weights (Simpson's) of an integral from far below up to the edge."""
    low, high = -DEPTH * scale, edge * scale
    step = (high - low) / GRID
    return [
        (low + n * step, step / 3 * (1 if n in (0, GRID) else 4 if n % 2 else 2))
        for n in range(GRID + 1)
    ]


def _density(points: Sequence[float], weights: Sequence[float], x: float, step: float) -> float:
    """How likely the walk is at x, one step after it was at the points."""
    total = 0.0
    for point, weight in zip(points, weights, strict=True):
        off = (x - point) / step
        if -DEPTH < off < DEPTH:
            total += weight * math.exp(-off * off / 2)
    return total / (step * math.sqrt(2 * math.pi))


def _edge(
    points: Sequence[float], weights: Sequence[float], step: float, scale: float, spend: float
) -> float:
    """The edge, in standard deviations, that the walk crosses now with probability `spend`."""
    low, high = 0.0, DEPTH
    for _ in range(40):
        middle = (low + high) / 2
        beyond = sum(
            weight * math.erfc((middle * scale - point) / step / math.sqrt(2)) / 2
            for point, weight in zip(points, weights, strict=True)
        )
        low, high = (middle, high) if beyond > spend else (low, middle)
    return high


def quantile(alpha: float, freedom: int) -> float:
    """Student's t above which `alpha` lies.

    By the expansion of Abramowitz and Stegun 26.7.5, which is exact to a hundredth from 10 degrees on.
    """
    z, nu = NormalDist().inv_cdf(1 - alpha), max(1, freedom)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / nu + second / nu**2


def tail(skewness: float, alpha: float, users: int) -> float:
    """How many standard errors a long tail of losses adds to the lower bound."""
    z = NormalDist().inv_cdf(1 - alpha)
    return max(0.0, -skewness) * (2 * z**2 + 1) / (6 * math.sqrt(users))


# -- power -----------------------------------------------------------------------------------------


def users_needed(deviation: float, margin: float) -> int:
    """How many users show in POWER of the cases, at one look, that equal is not worse by `margin`.

    0 where nobody knows.
    """
    if margin <= 0 or math.isinf(deviation):
        return 0
    return max(MIN_USERS, math.ceil((_reach(ALPHA * share(1)) * deviation / margin) ** 2))


def detectable(deviation: float, users: int) -> float:
    """The least difference that `users` of one look show in POWER of the cases."""
    return _reach(ALPHA * share(1)) * deviation / math.sqrt(users) if users else math.inf


def _reach(level: float) -> float:
    """How many standard errors away is seen in POWER of the cases at this level."""
    normal = NormalDist()
    return normal.inv_cdf(1 - level) + normal.inv_cdf(POWER)


def nights_needed(nights: Sequence[Sample], margin: float) -> int | None:
    """How many more nights like the last one settle it for a candidate as good as live.

    None: more than MOST_NIGHTS, or never, since the same users come again.
    """
    known = [night for night in nights if night.users]
    if not known or margin <= 0:
        return None
    planned = [*known, *[known[-1]] * MOST_NIGHTS]
    allowed = levels(effective_users(planned))
    for count in range(1, MOST_NIGHTS + 1):
        length = len(known) + count
        if _reach(allowed[length - 1]) * _error(planned[:length]) <= margin:
            return count
    return None
