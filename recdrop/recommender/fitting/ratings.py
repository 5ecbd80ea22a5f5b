"""Fits rating prediction ("svd"): cross-validate, then sample the factors of all ratings."""

from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.records import Array
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.models.memory import Vocabulary
from recdrop.recommender.models.ratings import RatingModel
from recdrop.recommender.parts.factors import Plan, sample

FOLDS = 5


MOST_FLOATS = 100_000_000


def fit_ratings(task: Task) -> RatingModel:
    """The metrics are means over folds; then every rating trains the model.

    Raises:
        ValueError: There are no event values, or rank or draws are below 1.
    """
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
        # Of the fit itself, which is a little below that of new ratings.
        "noise": np.array([float(((rating - factors.predict(user, item)) ** 2).mean())]),
        "popularity": popularity / max(1.0, float(popularity.max())),
        "scale": np.array([rating.min(), rating.max()], dtype=np.float64),
    }
    return RatingModel(header, arrays)


def _prior_arrays(users: Array, plan: Plan) -> dict[str, Array]:
    """Mean and covariance of the users' factors in each draw: what a new user starts from."""
    blocks = users.reshape(len(users), plan.draws, plan.rank).transpose(1, 0, 2).astype(np.float64)
    mean = blocks.mean(axis=1)
    centred = blocks - mean[:, None, :]
    covariance = centred.transpose(0, 2, 1) @ centred / max(1, len(users) - 1)
    return {
        "prior_mean": mean.astype(np.float32),
        "prior_covariance": covariance.astype(np.float32),
    }


def latest_ratings(task: Task) -> tuple[Histories, Array]:
    """One event per user and item, the newest that has a value; and the values, float64.

    Raises:
        ValueError: No event has a value.
    """
    values = task.data.event_value
    if values is None or bool(np.isnan(values).all()):
        raise ValueError("Training data has no event values. Expected ratings for recipe 'svd'")
    history = task.history()
    history = history.take_events(~np.isnan(values[history.row]))
    pairs = history.user_of_event().astype(np.int64) * task.items + history.item
    # np.unique gives the first of equal ones: of the reversed list, that is the newest.
    newest = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
    keep = np.zeros(len(pairs), dtype=bool)
    keep[newest] = True
    found = history.take_events(keep)
    return found, values[found.row].astype(np.float64)


def choose_plan(task: Task, ratings: int, shape: tuple[int, int]) -> Plan:
    """`n_factors` and `n_epochs` (draws) as asked, else 16 and 30.

    Fewer draws are kept when memory or budget want it; the budget does not overrule `n_epochs`.

    Raises:
        ValueError: One of the two is below 1.
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
    # Measured: the Gram matrices cost rank squared per rating, the draws rank cubed per user and item.
    seconds_per_draw = 2e-9 * (ratings * rank**2 + sum(shape) * rank**3) * 4
    by_budget = max(4, int(task.budget_seconds * 0.8 / ((FOLDS + 1) * seconds_per_draw)))
    if "n_epochs" in task.settings:
        by_budget = draws
    return Plan(rank, min(12, max(4, by_budget // 3)), min(draws, by_memory, by_budget))


def _cross_validate(
    task: Task, user: Array, item: Array, rating: Array, shape: tuple[int, int], plan: Plan
) -> dict[str, float]:
    """RMSE and MAE over five folds of the ratings; empty for an update or a handful of ratings."""
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
