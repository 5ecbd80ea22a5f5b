"""`make bench-gate`: how often the gate promotes a candidate whose true change is known.

Two models of equal quality (the same data, two seeds) answer for users whom they have not seen. Which
of the two is live is drawn by user, so that the true change is exactly none, and each user's real
difference stays. Then all places of the candidate are stretched by one factor, which is chosen so that
NDCG@10, or the mean log rank, of all users changes by what the table says. Users are drawn with
replacement: a shop with more users than the data has.

The old gate is the one of before issue 12: NDCG@10, the 95 % interval of one night, at most 2 %
worse. Below them a simulation with synthetic users, whose true difference is exactly the bar.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np

from benchmarks.gate_ranks import SETS, Ranks, ranks
from benchmarks.recommender_data import DataAbsentError
from chalicelib.documents import Difference, Night
from chalicelib.gate import evidence, promotion
from chalicelib.gate.promotion import Bars
from chalicelib.vocabulary.metrics import DEEP, DEFAULT

Array = Any
Worth = Callable[[Array], Array]  # of a hit at a place
CHANGES = (-0.10, -0.03, 0.0, 0.03, 0.10)
USERS, NIGHTS = 200, 30
NEW = Bars(DEFAULT, over_popularity=1.10, max_regression=0.03, when_unsure="hold")
OLD = Bars("normalized_discounted_cumulative_gain_at_10", 1.10, 0.02, "hold")
FIRST_LOOKS = 0.6


def ndcg_worth(place: Array) -> Array:
    return np.where(place <= 10, 1 / np.log2(1 + place), 0.0)


def log_rank_worth(place: Array) -> Array:
    return np.where(place <= DEEP, 1 - np.log(place) / math.log(DEEP + 1), 0.0)


@dataclass(frozen=True)
class Population:
    """The users of one data set, by one metric: each model's score, also when it is stretched."""

    ranks: Ranks
    worth: Worth
    most: int

    def scores(self, places: Array, factor: float = 1.0) -> Array:
        """Mean over the users' items, divided by the ideal; between two places in proportion."""
        stretched = np.maximum(1.0, np.where(places > 0, places, 10**9) * factor)
        low = np.floor(stretched)
        above = stretched - low
        worth = (1 - above) * self.worth(low) + above * self.worth(low + 1)
        starts = np.concatenate([[0], np.cumsum(self.ranks.sizes)[:-1]])
        ideal = np.cumsum(self.worth(np.arange(1.0, self.most + 1)))
        return np.add.reduceat(worth, starts) / ideal[np.minimum(self.ranks.sizes, self.most) - 1]

    def mean(self, factor: float) -> float:
        return float(np.mean([self.scores(places, factor).mean() for places in self.ranks.models]))

    def factor_of(self, change: float) -> float:
        """The factor that changes the mean by so much."""
        target, low, high = self.mean(1.0) * (1 + change), 0.2, 5.0
        for _ in range(50):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self.mean(middle) > target else (low, middle)
        return low

    def pairs(self, factor: float) -> tuple[Array, Array]:
        """(live, candidate) of every user, and the same with the models exchanged."""
        plain = [self.scores(places) for places in self.ranks.models]
        changed = [self.scores(places, factor) for places in self.ranks.models]
        return np.concatenate(plain), np.concatenate(changed[::-1])

    @property
    def popular(self) -> Array:
        return np.tile(self.scores(self.ranks.popularity), 2)


@dataclass(frozen=True)
class Moments:
    """Of simulated campaigns, a row each, and their nights, a column each."""

    mean: Array
    variance: Array
    third: Array

    @classmethod
    def of(cls, drawn: Array) -> Moments:
        mean = drawn.mean(-1)
        return cls(mean, drawn.var(-1, ddof=1), ((drawn - mean[..., None]) ** 3).mean(-1))


def old_promotes(live: Array, candidate: Array, popular: Array, draws: Array) -> Array:
    """Each night by itself: both intervals of 95 % lie above the bar."""
    z = NormalDist().inv_cdf(0.975)
    bars = ((live, 1 - OLD.max_regression), (popular, OLD.over_popularity))
    cleared = []
    for side, kept in bars:
        night = Moments.of((candidate - kept * side)[draws])
        cleared.append(night.mean - z * np.sqrt(night.variance / draws.shape[-1]) >= 0)
    return cleared[0] & cleared[1]


def new_promotes(live: Array, candidate: Array, popular: Array, draws: Array) -> Array:
    """What `promotion.judge_next` says each night, for many campaigns at once."""
    to_live = Moments.of((candidate - (1 - NEW.tolerance) * live)[draws])
    to_floor = Moments.of((candidate - NEW.floor * popular)[draws])
    return _pooled(to_live, draws.shape[-1]) & _pooled(to_floor, draws.shape[-1])


def _pooled(night: Moments, users: int) -> Array:
    own = _cut(evidence.ALPHA, users - 1) * np.sqrt(night.variance / users)
    lenient = _cut(promotion.OWN_NIGHT, users - 1) * np.sqrt(night.variance / users)
    count = np.arange(1, night.mean.shape[-1] + 1)
    mean = np.cumsum(night.mean, -1) / count
    error = np.sqrt(np.cumsum(night.variance, -1) / count / (users * count))
    variance = np.cumsum(night.variance, -1) / count
    skewness = np.cumsum(night.third, -1) / count / np.maximum(variance, 1e-100) ** 1.5
    edges, tails = [], []
    for n, level in zip(count.tolist(), _levels(len(count)), strict=True):
        edges.append(_cut(level, users * n - n))
        tails.append(evidence.tail(-1.0, level, users * n))
    edge = np.array(edges) + np.maximum(0, -skewness) * np.array(tails)
    fine = (night.mean + own >= 0) & (night.mean + lenient >= 0)
    return (mean - edge * error >= 0) & fine


@cache
def _levels(nights: int) -> tuple[float, ...]:
    return evidence.levels(tuple(float(USERS * night) for night in range(1, nights + 1)))


@cache
def _cut(level: float, freedom: int) -> float:
    return evidence.quantile(level, int(freedom))


def check_against_the_gate(live: Array, candidate: Array, popular: Array, draws: Array) -> None:
    """The fast simulation promotes where the gate itself does."""
    said = new_promotes(live, candidate, popular, draws)
    for campaign in range(len(draws)):
        nights: list[Night] = []
        for place, users in enumerate(draws[campaign]):
            to_live = (candidate - (1 - NEW.tolerance) * live)[users]
            to_floor = (candidate - NEW.floor * popular)[users]
            night = Night(
                run=str(place),
                users=len(users),
                live=float(live[users].mean()),
                to_live=_moments(to_live),
                to_floor=_moments(to_floor),
            )
            nights.append(night)
            action = promotion.judge_next(nights, NEW)[0]
            assert (action == "promote") == said[campaign, place], (campaign, place, nights)


def _moments(differences: Array) -> Difference:
    off = differences - differences.mean()
    return Difference(
        float(differences.mean()), float(differences.var(ddof=1)), float((off**3).mean())
    )


# -- tables ----------------------------------------------------------------------------------------


def rows(name: str, campaigns: int, seed: int) -> Iterator[list[str]]:
    """One data set: first looks, three and ten nights, and 30 of each gate and kind of change."""
    found, rng = ranks(name), np.random.default_rng(seed)
    shallow, deep = Population(found, ndcg_worth, 10), Population(found, log_rank_worth, DEEP)
    kinds = [
        ("old", shallow, shallow, old_promotes),
        ("new", deep, shallow, new_promotes),
        ("new, of log rank", deep, deep, new_promotes),
    ]
    draws = rng.integers(2 * len(found.sizes), size=(campaigns, NIGHTS, USERS))
    for label, metric, meant, promotes in kinds:
        by_change: list[list[float]] = []
        for change in CHANGES:
            live, candidate = metric.pairs(meant.factor_of(change))
            said = promotes(live, candidate, metric.popular, draws)
            if promotes is new_promotes and not by_change:
                check_against_the_gate(live, candidate, metric.popular, draws[:3, :6])
            ever = np.maximum.accumulate(said, -1).mean(0)
            by_change.append([ever[night - 1] for night in (1, 3, 10, NIGHTS)])
        for place, looks in enumerate(("first look", "3 nights", "10 nights", f"{NIGHTS} nights")):
            yield [name, label, looks, *(f"{change[place]:.3f}" for change in by_change)]


def needs(name: str) -> list[str]:
    """How much users differ, and how many show that an equal candidate is not worse."""
    found = ranks(name)
    cells = [name, f"{len(found.sizes):,}"]
    for worth, most, bars, level in (
        (ndcg_worth, 10, OLD, 0.025),
        (log_rank_worth, DEEP, NEW, evidence.ALPHA * evidence.share(1)),
    ):
        metric = Population(found, worth, most)
        live, candidate = metric.pairs(1.0)
        level_of_live, kept = live.mean(), 1 - bars.tolerance
        deviation = (candidate - kept * live).std() / level_of_live
        for power in (FIRST_LOOKS, evidence.POWER):
            reach = NormalDist().inv_cdf(1 - level) + NormalDist().inv_cdf(power)
            cells.append(f"{(reach * deviation / bars.tolerance) ** 2:,.0f}")
        cells.insert(-2, f"{deviation:.3f}")
    shallow, deep = Population(found, ndcg_worth, 10), Population(found, log_rank_worth, DEEP)
    factor = shallow.factor_of(-0.1)
    cells.append(f"{(1 - deep.mean(factor) / deep.mean(1.0)) / 0.1:.2f}")
    return cells


SHAPES: dict[str, Callable[[Any, tuple[int, ...]], Array]] = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "nine of ten users equal": lambda rng, size: (
        rng.standard_normal(size) * (rng.random(size) < 0.1)
    ),
    "long tail of gains": lambda rng, size: rng.exponential(1.0, size) - 1,
    "long tail of losses": lambda rng, size: 1 - rng.exponential(1.0, size),
}


def known_truth(campaigns: int, seed: int) -> Iterator[list[str]]:
    """Differences with mean exactly at the bar: how often a promotion is wrong within 30 nights."""
    rng = np.random.default_rng(seed)
    for label, shape in SHAPES.items():
        for users in (50, USERS):
            nights = [Moments.of(shape(rng, (campaigns, users))) for _ in range(NIGHTS)]
            columns = zip(*((m.mean, m.variance, m.third) for m in nights), strict=True)
            seen = Moments(*(np.stack(column, -1) for column in columns))
            wrong = _pooled(seen, users).any(-1)
            z = NormalDist().inv_cdf(0.975)
            fixed = (seen.mean - z * np.sqrt(seen.variance / users) >= 0).any(-1)
            yield [label, str(users), f"{fixed.mean():.3f}", f"{wrong.mean():.3f}"]


def same_users(campaigns: int, seed: int) -> Iterator[list[str]]:
    """A small shop: each night draws from the same few users, who keep their difference."""
    rng, users, population = np.random.default_rng(seed), 100, 150
    wrong = {"counted as new": 0, "as the gate counts": 0}
    for _ in range(campaigns):
        shop = rng.standard_normal(population)
        nights: list[evidence.Sample] = []
        said = dict.fromkeys(wrong, False)
        for _ in range(10):
            drawn = rng.choice(shop, users, replace=False)
            nights.append(evidence.Sample.of(drawn.tolist(), population))
            said["as the gate counts"] |= evidence.pool(nights).low >= 0
            new = [evidence.Sample(n.users, n.mean, n.variance) for n in nights]
            said["counted as new"] |= evidence.pool(new).low >= 0
        for label, is_wrong in said.items():
            wrong[label] += is_wrong
    for label, count in wrong.items():
        yield [
            f"{users} of the same {population} users, 10 nights",
            label,
            f"{count / campaigns:.3f}",
        ]


def table(heads: Sequence[str], lines: Iterator[list[str]]) -> None:
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads), flush=True)
    for cells in lines:
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--campaigns", type=int, default=500)
    parser.add_argument("--data", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("--seed", type=int, default=12)
    options = parser.parse_args()
    present = []
    for name in options.data:
        try:
            ranks(name)
        except DataAbsentError as error:
            print(f"absent: {name}: {error}")
        else:
            present.append(name)
    print(
        f"\nShare of {options.campaigns} campaigns promoted, {USERS} users a night, by true change\n"
    )
    changes = [f"{change:+.0%}" for change in CHANGES]
    every = (row for name in present for row in rows(name, options.campaigns, options.seed))
    table(["data", "gate", "within", *changes], every)
    print("\nUsers needed at one look, for a candidate as good as live\n")
    heads = [
        "data",
        "users asked",
        "old: deviation",
        "60 %",
        "80 %",
        "new: deviation",
        "60 %",
        "80 %",
    ]
    table([*heads, "log rank per NDCG@10"], map(needs, present))
    print(f"\nKnown truth: promoted within {NIGHTS} nights though exactly at the bar\n")
    table(
        ["differences", "users", "95 % interval", "new"],
        known_truth(4 * options.campaigns, options.seed),
    )
    print()
    table(["users", "counted", "wrong"], same_users(options.campaigns // 2, options.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
