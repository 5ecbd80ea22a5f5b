"""Rating prediction ("svd"): cross-validated, then fitted on all ratings; top items of every user,
a block at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.models.base import Base, Header, Vocabulary, popular_items, whole_history
from recdrop.recommender.models.base import EventRules as Rules
from recdrop.recommender.parts.factors import Factors, Plan, sample
from recdrop.recommender.parts.ranking import top

FOLDS = 5
USERS_PER_BLOCK = 256
MOST_FLOATS = 100_000_000
CERTAINTY_OF_FITTED = 0.25


class RatingModel(Base):
    """`scale` float64[2] is the lowest and highest rating seen; every prediction stays within."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        self._factors = Factors(
            float(arrays["mean"][0]), arrays["user_factors"], arrays["item_factors"]
        )
        self._popularity = arrays["popularity"]
        self._prior = Prior(
            arrays["prior_mean"], arrays["prior_covariance"], float(arrays["noise"][0])
        )
        self._low, self._high = (float(value) for value in arrays["scale"])

    def predict(self, user_id: str, item_id: str) -> float:
        """The rating expected of a pair; of an unknown item the mean, of an unknown user the
        typical user's.
        """
        code = self.item_index(item_id)
        if code is None:
            return self._factors.mean
        return float(self._expected(Query(user_id=user_id))[code])

    def recommend(
        self,
        query: Query,
        n: int = 25,
        *,
        allowed: Array | None = None,
        exploration_weight: float = 0.3,
        exploration_item_age_cut_off: float = 30,
        seed: int = 0,
    ) -> list[Scored]:
        """The unrated items with the highest expected rating; that is the score."""
        del exploration_weight, exploration_item_age_cut_off, seed
        rated = whole_history(self._vocabulary, Rules.from_settings(self.settings), query).item
        if not len(rated):
            return popular_items(self._items, self._popularity, n, allowed)
        free = np.ones(len(self._items), dtype=bool) if allowed is None else allowed.copy()
        free[rated] = False
        return self._best(self._expected(query), free, n)

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """By expected rating; unknown items last, in the given order, with score 0."""
        expected = self._expected(query)
        known = [
            (i, float(expected[code])) for i in items if (code := self.item_index(i)) is not None
        ]
        unknown = [
            Scored(identifier, 0.0) for identifier in items if self.item_index(identifier) is None
        ]
        return [
            Scored(*pair) for pair in sorted(known, key=lambda pair: (-pair[1], pair[0]))
        ] + unknown

    def recommend_all(
        self, n: int = 10, *, include_rated: bool = False
    ) -> Iterator[tuple[str, list[Scored]]]:
        """Every user's top `n`, in order of user id.

        Memory is bounded by a block of users, not users x items.
        """
        users = self._factors.users
        for start in range(0, len(users), USERS_PER_BLOCK):
            block = (
                self._factors.mean + users[start : start + USERS_PER_BLOCK] @ self._factors.items.T
            )
            for place, expected in enumerate(np.clip(block, self._low, self._high)):
                name = self._vocabulary.users.name(start + place)
                free = np.ones(len(self._items), dtype=bool)
                if not include_rated:
                    free[self._vocabulary.history(name)[0]] = False
                yield name, self._best(expected, free, n)

    def _best(self, expected: Array, free: Array, n: int) -> list[Scored]:
        return [
            Scored(self._items.name(int(code)), float(expected[code]))
            for code in top(expected, n, free)
        ]

    def _expected(self, query: Query) -> Array:
        """float[items], within the scale."""
        raw = self._factors.mean + self._factors.items @ self._user_vector(query)
        found: Array = np.clip(raw, self._low, self._high)
        return found

    def _user_vector(self, query: Query) -> Array:
        """The fitted vector, moved by newer ratings; a new user starts from the typical one."""
        code = None if query.user_id is None else self._vocabulary.users.index(query.user_id)
        prior = self._prior if code is None else self._prior.around(self._factors.users[code])
        rated = [
            (at, event.event_value)
            for event in query.events
            if (at := self.item_index(event.item_id)) is not None
        ]
        known = [(at, float(value)) for at, value in rated if value is not None]
        if not known:
            return prior.mean.ravel()
        items = self._factors.items[[at for at, _ in known]]
        return prior.given(items, np.array([value for _, value in known]) - self._factors.mean)


@dataclass(frozen=True)
class Prior:
    """What is known of a user before any rating: by draw, float32[draws, rank] and float32[draws,
    rank, rank]; `noise` is
    the variance of a rating around its prediction."""

    mean: Array
    covariance: Array
    noise: float

    def around(self, fitted: Array) -> Prior:
        """Of a user who was fitted: newer ratings still move the vector, but less."""
        return Prior(
            fitted.reshape(self.mean.shape), self.covariance * CERTAINTY_OF_FITTED, self.noise
        )

    def given(self, items: Array, rest: Array) -> Array:
        """float32[draws x rank]: the posterior mean in each draw, for ratings `rest` above the mean
        of `items` (rows).
        """
        draws, rank = self.mean.shape
        # Each draw predicts the whole rating; the stored factors hold the share of one of `draws`.
        seen = items.reshape(len(items), draws, rank).transpose(1, 0, 2).astype(np.float64) * draws
        reach = seen @ self.covariance
        missing = rest - (seen @ self.mean[:, :, None])[:, :, 0]
        kernel = (
            reach @ seen.transpose(0, 2, 1)
            + self.noise * np.eye(len(items))
            + 1e-9 * np.eye(len(items))
        )
        moved = reach.transpose(0, 2, 1) @ np.linalg.solve(kernel, missing[:, :, None])
        found: Array = (self.mean + moved[:, :, 0]).ravel().astype(np.float32)
        return found


def _prior_arrays(users: Array, plan: Plan) -> dict[str, Array]:
    blocks = users.reshape(len(users), plan.draws, plan.rank).transpose(1, 0, 2).astype(np.float64)
    mean = blocks.mean(axis=1)
    centred = blocks - mean[:, None, :]
    covariance = centred.transpose(0, 2, 1) @ centred / max(1, len(users) - 1)
    return {
        "prior_mean": mean.astype(np.float32),
        "prior_covariance": covariance.astype(np.float32),
    }


def fit_ratings(task: Task) -> RatingModel:
    """Needs event values. The metrics are means over folds; then every rating trains the model."""
    history, rating = latest_ratings(task)
    user, item = history.user_of_event(), history.item
    shape = (history.users, task.items)
    plan = choose_plan(task, len(rating), shape)
    metrics = _cross_validate(task, user, item, rating, shape, plan)
    task.progress(0.85, "Training on all ratings")
    factors = sample(user, item, rating, shape, plan, task.rng(5))
    header = task.header({"rank": plan.rank, "burn": plan.burn, "draws": plan.draws}, metrics)
    popularity = np.bincount(item, minlength=task.items).astype(np.float32)
    arrays = {
        **Vocabulary.of(task.data, history).arrays(),
        "mean": np.array([factors.mean]),
        "user_factors": factors.users,
        "item_factors": factors.items,
        **_prior_arrays(factors.users[np.unique(user)], plan),
        "noise": np.array([float(((rating - factors.predict(user, item)) ** 2).mean())]),
        "popularity": popularity / max(1.0, float(popularity.max())),
        "scale": np.array([rating.min(), rating.max()], dtype=np.float64),
    }
    return RatingModel(header, arrays)


def latest_ratings(task: Task) -> tuple[Histories, Array]:
    """One event per user and item, the newest that has a value; and the values, float64."""
    values = task.data.event_value
    if values is None or bool(np.isnan(values).all()):
        raise ValueError("Training data has no event values. Expected ratings for recipe 'svd'")
    history = task.history()
    history = history.take_events(~np.isnan(values[history.row]))
    pairs = history.user_of_event().astype(np.int64) * task.items + history.item
    newest = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
    keep = np.zeros(len(pairs), dtype=bool)
    keep[newest] = True
    found = history.take_events(keep)
    return found, values[found.row].astype(np.float64)


def choose_plan(task: Task, ratings: int, shape: tuple[int, int]) -> Plan:
    """`n_factors` and `n_epochs` (draws) as asked, else 16 and 30, with fewer draws when memory or
    budget want it.
    """
    if task.fixed is not None:
        return Plan(int(task.fixed["rank"]), int(task.fixed["burn"]), int(task.fixed["draws"]))
    rank = int(task.settings.get("n_factors", 16))
    draws = int(task.settings.get("n_epochs", 30))
    if rank < 1 or draws < 1:
        raise ValueError(
            f"n_factors, n_epochs have values {rank!r}, {draws!r}. Expected at least 1"
        )
    by_memory = max(2, MOST_FLOATS // (sum(shape) * rank))
    seconds_per_draw = 2e-9 * (ratings * rank**2 + sum(shape) * rank**3) * 4
    by_budget = max(4, int(task.budget_seconds * 0.8 / ((FOLDS + 1) * seconds_per_draw)))
    if "n_epochs" in task.settings:
        by_budget = draws
    return Plan(rank, min(12, max(4, by_budget // 3)), min(draws, by_memory, by_budget))


def _cross_validate(
    task: Task, user: Array, item: Array, rating: Array, shape: tuple[int, int], plan: Plan
) -> dict[str, float]:
    if len(rating) < 2 * FOLDS or task.fixed is not None:
        return {}
    fold = task.rng(4).permutation(len(rating)) % FOLDS
    errors = []
    for at in range(FOLDS):
        task.progress(0.05 + 0.8 * at / FOLDS, f"Cross-validating, fold {at + 1} of {FOLDS}")
        train, test = fold != at, fold == at
        factors = sample(user[train], item[train], rating[train], shape, plan, task.rng(10 + at))
        expected = np.clip(factors.predict(user[test], item[test]), rating.min(), rating.max())
        errors.append(expected - rating[test])
    rmse = [float(np.sqrt((error**2).mean())) for error in errors]
    mae = [float(np.abs(error).mean()) for error in errors]
    return {"rmse": round(float(np.mean(rmse)), 6), "mae": round(float(np.mean(mae)), 6)}
