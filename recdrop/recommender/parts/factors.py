"""Bayesian matrix factorisation of ratings by Gibbs sampling (Salakhutdinov & Mnih, 2008).

Each draw of the factors of one side is exact given the other side, so there is no learning rate to
tune; the mean over draws is the prediction. Kept draws lie side by side: the mean of `S` products
of rank `f` is one product of rank S x f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from recdrop.recommender.data.histories import offsets
from recdrop.recommender.data.records import Array

# Bounds the padded ratings of a batch, so memory does not grow with the users.
CELLS_PER_BATCH = 2_000_000


@dataclass(frozen=True)
class Plan:
    """`rank` factors; `burn` draws are thrown away, then `draws` are kept."""

    rank: int = 24
    burn: int = 12
    draws: int = 24


@dataclass(frozen=True)
class Factors:
    """The rating of user u for item i is mean + users[u] . items[i].

    `users` is float32[users, rank x draws], `items` float32[items, rank x draws].
    """

    mean: float
    users: Array
    items: Array

    def predict(self, user: Array, item: Array) -> Array:
        """float64[pairs], not clipped to the scale."""
        found = np.empty(len(user))
        for start in range(0, len(user), 100_000):
            span = slice(start, start + 100_000)
            found[span] = np.einsum("ij,ij->i", self.users[user[span]], self.items[item[span]])
        return self.mean + found


@dataclass(frozen=True)
class _Side:
    """The ratings of one side's entities, most rated first, cut into batches of about equal length."""

    order: Array
    starts: Array
    other: Array
    value: Array
    batches: list[tuple[int, int]]

    @classmethod
    def of(cls, own: Array, other: Array, value: Array, size: int) -> _Side:
        """`own` are the codes of this side in each rating, `other` those of the other side."""
        lengths = np.bincount(own, minlength=size)
        order = np.lexsort((np.arange(size), -lengths))
        rank = np.empty(size, dtype=np.int64)
        rank[order] = np.arange(size)
        # Ratings sorted by their entity's place in that order: a batch is then one slice.
        placed = np.argsort(rank[own], kind="stable")
        return cls(
            order, offsets(lengths[order]), other[placed], value[placed], _batches(lengths[order])
        )


def sample(
    user: Array,
    item: Array,
    rating: Array,
    shape: tuple[int, int],
    plan: Plan,
    rng: np.random.Generator,
    progress: Callable[[float], None] = lambda _share: None,
) -> Factors:
    """`rating` float[pairs] on any scale; `shape` is (users, items)."""
    mean, spread = float(rating.mean()), max(float(rating.std()), 1e-6)
    value = ((rating - mean) / spread).astype(np.float32)
    sides = (_Side.of(user, item, value, shape[0]), _Side.of(item, user, value, shape[1]))
    factors = [0.1 * rng.standard_normal((size, plan.rank)).astype(np.float32) for size in shape]
    kept: list[list[Array]] = [[], []]
    # Ratings are standardised: their precision starts at twice that of no model at all.
    noise = 2.0
    for step in range(plan.burn + plan.draws):
        for at in (0, 1):
            # Users given items, then items given the new users: one sweep of the sampler.
            factors[at] = _draw_side(sides[at], factors[at], factors[1 - at], noise, rng)
        noise = _draw_noise(sides[0], factors, rng)
        if step >= plan.burn:
            for at in (0, 1):
                kept[at].append(factors[at])
        progress((step + 1) / (plan.burn + plan.draws))
    # The mean over draws and the spread of the ratings are shared out to both sides, half each.
    scale = np.float32(np.sqrt(spread / plan.draws))
    return Factors(
        mean, np.concatenate(kept[0], axis=1) * scale, np.concatenate(kept[1], axis=1) * scale
    )


def _draw_side(
    side: _Side, own: Array, other: Array, noise: float, rng: np.random.Generator
) -> Array:
    """All factors of one side, drawn from their posterior given those of the other side."""
    mean, precision = _draw_prior(own, rng)
    found = np.empty_like(own)
    for first, last in side.batches:
        gram, right = _normal_equations(side, other, first, last)
        precisions = precision + noise * gram
        rights = precision @ mean + noise * right
        found[side.order[first:last]] = _draw_gaussians(precisions, rights, rng)
    return found


def _normal_equations(side: _Side, other: Array, first: int, last: int) -> tuple[Array, Array]:
    """float64[batch, rank, rank] and [batch, rank]: X'X and X'y of each entity of a batch.

    Padded to the longest, with rows of zeros, so that one batched product serves all.
    """
    starts = side.starts[first : last + 1]
    lengths = np.diff(starts)
    places = np.arange(int(lengths.max()) if len(lengths) else 0)
    inside = places < lengths[:, None]
    # Places beyond an entity's ratings point at others', whose rows are zeroed.
    cells = np.minimum(starts[:-1, None] + places, max(0, len(side.other) - 1))
    rows = (
        other[side.other[cells]] * inside[:, :, None]
        if len(side.other)
        else np.zeros((*inside.shape, other.shape[1]))
    )
    values = np.where(inside, side.value[cells], 0) if len(side.value) else np.zeros(inside.shape)
    across = rows.transpose(0, 2, 1)
    return (across @ rows).astype(np.float64), (across @ values[:, :, None])[:, :, 0].astype(
        np.float64
    )


def _draw_gaussians(precisions: Array, rights: Array, rng: np.random.Generator) -> Array:
    """One draw each of N(precision^-1 right, precision^-1)."""
    lower = np.linalg.cholesky(precisions)
    # With precision L L', L'^-1 (L^-1 right + z) has the mean and the covariance asked for: one
    # factorisation gives both.
    half = np.linalg.solve(lower, rights[:, :, None])
    drawn = rng.standard_normal(half.shape)
    found: Array = np.linalg.solve(lower.transpose(0, 2, 1), half + drawn)[:, :, 0].astype(
        np.float32
    )
    return found


def _draw_prior(factors: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Mean and precision of a side's factors, from the Normal-Wishart posterior with unit prior."""
    size, rank = factors.shape
    values = factors.astype(np.float64)
    average = values.mean(axis=0)
    centred = values - average
    # The prior mean counts as two entities, as in the paper.
    weight = 2.0
    scale = (
        np.eye(rank)
        + centred.T @ centred
        + (size * weight / (size + weight)) * np.outer(average, average)
    )
    precision = _draw_wishart(scale, rank + size, rng)
    mean = size * average / (size + weight) + _gaussian(precision * (size + weight), rng)
    return mean, precision


def _draw_wishart(scale: Array, freedom: int, rng: np.random.Generator) -> Array:
    """A draw of Wishart(scale^-1, freedom), by Bartlett's decomposition."""
    rank = len(scale)
    bartlett = np.tril(rng.standard_normal((rank, rank)), -1)
    bartlett[np.diag_indices(rank)] = np.sqrt(rng.chisquare(freedom - np.arange(rank)))
    root = solve_triangular(np.linalg.cholesky(scale), np.eye(rank), lower=True).T @ bartlett
    found: Array = root @ root.T
    return found


def _gaussian(precision: Array, rng: np.random.Generator) -> Array:
    """One draw of N(0, precision^-1)."""
    found: Array = np.linalg.solve(
        np.linalg.cholesky(precision).T, rng.standard_normal(len(precision))
    )
    return found


def _draw_noise(side: _Side, factors: list[Array], rng: np.random.Generator) -> float:
    """Precision of the ratings around their prediction, from its gamma posterior."""
    owner = side.order[np.repeat(np.arange(len(side.order)), np.diff(side.starts))]
    predicted = Factors(0.0, factors[0], factors[1]).predict(owner, side.other)
    error = float(((side.value - predicted) ** 2).sum())
    return float(rng.gamma(1 + len(side.value) / 2, 1 / (1 + error / 2)))


def _batches(lengths: Array) -> list[tuple[int, int]]:
    """Ranges of entities (sorted by falling length) whose padded ratings stay within a bound."""
    found, first = [], 0
    while first < len(lengths):
        width = max(1, int(lengths[first]))
        # Down to half the longest: padding then wastes at most half of a batch.
        half = int(np.searchsorted(-lengths, -(width // 2), side="right"))
        last = min(
            len(lengths), max(first + 1, min(half, first + max(1, CELLS_PER_BATCH // (width * 32))))
        )
        found.append((first, last))
        first = last
    return found
