"""Fits the related-items recipes.

What is used together, what is alike, or both, weighed on validation users.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array
from recdrop.recommender.data.split import EARLIER_ENDS, LONG, Cases, hold_out, join
from recdrop.recommender.fitting.evaluation import measure_cases
from recdrop.recommender.fitting.task import Split, Task, measured, split_users, test_split
from recdrop.recommender.metrics import STANDARD_NDCG
from recdrop.recommender.models.base import Model
from recdrop.recommender.models.related import RelatedModel, related_model
from recdrop.recommender.parts.content import Content, describe, nearest
from recdrop.recommender.parts.head import choose_head
from recdrop.recommender.parts.markov import largest_per_row
from recdrop.recommender.parts.neighbours import NEIGHBOURS, side_by_side, used_together
from recdrop.recommender.parts.popularity import popularity

ALIKE = 50
MOST_TARGETS = 20_000
# Pairs of items whose metadata is compared.
MOST_COMPARED = 300_000_000
# Pairs of events that are counted, at a budget of 30 s; beyond, users are sampled.
MOST_PAIRS = 40_000_000
MOST_VALIDATION_USERS = 500
VALIDATION_SHARE = 0.25
LEAST_QUESTIONS = 8
# To learn from while choosing settings, at a budget of 30 s.
VALIDATION_EVENTS = 200_000
CLEARLY_BETTER = 1.005
WINDOWS = ((10, 4.0), (10, 30.0), (30, 15.0))
DISCOUNTS = (0.5, 0.2, 0.0)
# What came before an item, beside what came after it, which counts 1.
BACKWARDS = (1.0, 0.3, 0.0)
CONTENT_SHARES = (0.0, 0.1, 0.3)
PLAIN: dict[str, Any] = {
    "window": 10,
    "tau": 4.0,
    "backward": 1.0,
    "discount": 0.5,
    "content": 0.0,
}
# Co-occurrences by window, decay and direction.
Counted = dict[tuple[int, float, float], sparse.csr_matrix]


def fit_related(task: Task) -> Model:
    """Window, direction, popularity discount and the share of metadata are chosen on validation users.

    SIMS leaves metadata out.
    """
    history = task.history()
    split = test_split(task, history)
    content = None if task.recipe == "sims" else describe(task.data.items, task.items)
    alike = None if content is None else _alike(content, history, task.items)
    task.progress(0.1, "Choosing settings on validation users")
    chosen = _choose(task, history if split is None else split.rest, alike)
    task.progress(0.6, "Scoring held-out users")
    metrics = measured(task, split, lambda rest: _build(task, rest, chosen, alike))
    task.progress(0.8, "Training on all users")
    return _build(task, history, chosen, alike, metrics)


def _alike(content: Content, history: Histories, items: int) -> sparse.csr_matrix:
    """CSR [items, items]: the likeness of metadata; in large catalogues towards the most used items only."""
    most = min(MOST_TARGETS, max(1000, MOST_COMPARED // max(items, 1)))
    targets = np.arange(items) if items <= most else choose_head(history, items, most).items
    return nearest(content, keep=ALIKE, targets=targets)


def _choose(task: Task, history: Histories, alike: sparse.csr_matrix | None) -> dict[str, Any]:
    """First all that is counted, in every combination, then the share of metadata.

    Which discount is best depends on the window and the direction: one after the other the best
    combination is never met. What the caller set stays.
    """
    asked = {}
    if "popularity_discount_factor" in task.settings:
        asked = {"discount": float(task.settings["popularity_discount_factor"])}
    best = {**PLAIN, **asked}
    if task.fixed is not None:
        return {name: task.fixed.get(name, value) for name, value in best.items()}
    split = split_users(history, VALIDATION_SHARE, MOST_VALIDATION_USERS, task.rng(3))
    if split is None or len(split.cases) < LEAST_QUESTIONS:
        return best
    cases = _questions(history, split)
    # Only the rows of items that are asked about are scaled and cut: most of what a try costs.
    asked_rows = np.zeros(task.items, dtype=np.float32)
    asked_rows[cases.known.item[cases.known.indptr[1:] - 1]] = 1
    alike = None if alike is None else sparse.csr_matrix(sparse.diags(asked_rows) @ alike)
    most = int(VALIDATION_EVENTS * _budget(task))
    rest = _sampled(split.rest, most, task.rng(4))
    counts = product(WINDOWS, BACKWARDS, [asked["discount"]] if asked else DISCOUNTS)
    steps: list[list[dict[str, Any]]] = [
        [
            {"window": window, "tau": tau, "backward": backward, "discount": discount}
            for (window, tau), backward, discount in counts
        ]
    ]
    if alike is not None:
        steps.append([{"content": value} for value in CONTENT_SHARES])
    quality = -1.0
    counted: Counted = {}
    for alternatives in steps:
        tried = [{**best, **step} for step in alternatives]
        scored = [
            (_quality(_build(task, rest, one, alike, None, counted, asked_rows), task, cases), one)
            for one in tried
        ]
        for found, one in scored:
            if found > quality * CLEARLY_BETTER:
                best, quality = one, found
    return best


def _questions(history: Histories, split: Split) -> Cases:
    """The newest tenth of each history; where these are few also the tenths before it."""
    cases = split.cases
    long = split.users[np.diff(history.indptr)[split.users] >= LONG]
    for end in EARLIER_ENDS:
        if len(long) and len(cases) < MOST_VALIDATION_USERS:
            cases = join(cases, hold_out(history, long, end=end))
    return cases


def _sampled(history: Histories, events: int, rng: np.random.Generator) -> Histories:
    """Whole users in random order until there are about so many events."""
    if len(history) <= events:
        return history
    users = rng.permutation(history.users)
    lengths = np.diff(history.indptr)[users]
    return history.take_users(
        np.sort(users[: max(1, int(np.searchsorted(np.cumsum(lengths), events)))])
    )


def _budget(task: Task) -> float:
    """The budget as a multiple of the usual 30 seconds."""
    return max(0.1, task.budget_seconds / 30)


def _quality(model: Model, task: Task, cases: Any) -> float:
    """NDCG@10 of the validation users."""
    return measure_cases(model, task.data, cases).values[STANDARD_NDCG.format(10)]


def _build(
    task: Task,
    history: Histories,
    chosen: Mapping[str, Any],
    alike: sparse.csr_matrix | None,
    metrics: Mapping[str, float] | None = None,
    counted: Counted | None = None,
    only: Array | None = None,
) -> RelatedModel:
    """`counted` keeps co-occurrences by window, for builds that differ in other settings alone.

    `only` float32[items] is 1 for the rows that are wanted, 0 for the others.
    """
    window = (int(chosen["window"]), float(chosen["tau"]), float(chosen["backward"]))
    counted = {} if counted is None else counted
    if window not in counted:
        # An event makes as many pairs as the window is long.
        events = int(MOST_PAIRS * _budget(task) / window[0])
        counted[window] = side_by_side(
            _sampled(history, events, task.rng(5)),
            task.items,
            window=window[0],
            tau=window[1],
            backward=window[2],
        )
        if only is not None:
            counted[window] = sparse.csr_matrix(sparse.diags(only) @ counted[window])
    near = used_together(counted[window], history, discount=float(chosen["discount"]))
    if alike is not None:
        near = _with_alike(near, alike, float(chosen["content"]), history)
    header = task.header(dict(chosen), metrics or {})
    return related_model(header, Ids.of(task.data.item_ids), near, popularity(history, task.items))


def _with_alike(
    near: sparse.csr_matrix, alike: sparse.csr_matrix, share: float, history: Histories
) -> sparse.csr_matrix:
    """Both tables scaled to a maximum of 1 in each row, then mixed.

    Items used once or twice, or never, always get neighbours by their metadata.
    """
    uses = np.bincount(history.item, minlength=near.shape[0])
    # Two uses or fewer say next to nothing of what an item goes with.
    shares = np.where(uses < 3, 0.5, share).astype(np.float32)
    mixed = _rows_to_one(near) + sparse.diags(shares) @ _rows_to_one(alike)
    return largest_per_row(sparse.csr_matrix(mixed, dtype=np.float32), NEIGHBOURS)


def _rows_to_one(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    largest = np.asarray(matrix.max(axis=1).todense()).ravel()
    return sparse.csr_matrix(
        sparse.diags(1 / np.where(largest > 0, largest, 1)) @ matrix, dtype=np.float32
    )
