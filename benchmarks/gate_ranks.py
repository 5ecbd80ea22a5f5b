"""Where two models of equal quality rank what users took next: what `make bench-gate` draws from.

The models are fitted on the same data with two seeds, and asked about users whom neither has seen.
The places are kept in a folder (RECDROP_GATE_CACHE), since a fit takes minutes.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recommender_data import DATASETS
from recdrop.recommender import Event, Model, Query, TrainingData, fit
from recdrop.recommender.data.histories import histories
from recdrop.recommender.data.split import Cases, draw_users, hold_out

Array = Any
CACHE = Path(
    os.environ.get("RECDROP_GATE_CACHE", Path(tempfile.gettempdir()) / "recdrop-bench-gate")
)
# By what it stands for: the data set, the share of its users that is asked, and at most how many.
SETS = {
    "films, dense": ("ml-latest-small", 0.4, 2000),
    "clicks on films": ("POC", 0.4, 2000),
    "sparse retail": ("Beauty", 0.15, 2500),
    "groceries (the demo)": ("Complete Journey", 0.4, 1200),
}
DEEPEST = 2000  # a stretched list needs more than the 500 that the gate sees
SEEDS = (0, 1)


@dataclass(frozen=True)
class Ranks:
    """Places (from 1, 0 for none) of every item taken, by user: `sizes` of them each."""

    sizes: Array
    models: tuple[Array, Array]
    popularity: Array


def ranks(name: str) -> Ranks:
    """From the cache, or measured now."""
    data_name, share, most = SETS[name]
    file = CACHE / f"{data_name.replace(' ', '-')}.npz"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _measure(DATASETS[data_name](), share, most, file)
    with np.load(file, allow_pickle=False) as stored:
        return Ranks(stored["sizes"], (stored["model0"], stored["model1"]), stored["popularity"])


def _measure(data: TrainingData, share: float, most: int, file: Path) -> None:
    history = histories(data)
    asked = draw_users(history, share, most, np.random.default_rng(1))
    cases = hold_out(history, asked)
    training = ~np.isin(data.user, asked)
    users, user = np.unique(data.user[training], return_inverse=True)
    known = TrainingData(
        data.user_ids[users],
        data.item_ids,
        user.astype(np.int32),
        data.item[training],
        data.timestamp[training],
        items=data.items,
    )
    truths = [np.unique(truth) for truth in cases.truths()]
    counts = np.bincount(data.item[training], minlength=len(data.item_ids))
    place = np.empty(len(counts), dtype=np.int64)
    place[np.argsort(-counts, kind="stable")] = np.arange(1, len(counts) + 1)
    found = {
        f"model{seed}": _places(
            fit("user-personalization-v2", known, seed=seed), data, cases, truths
        )
        for seed in SEEDS
    }
    sizes = np.array([len(truth) for truth in truths])
    np.savez(file, sizes=sizes, popularity=place[np.concatenate(truths)], **found)


def _places(model: Model, data: TrainingData, cases: Cases, truths: list[Array]) -> Array:
    code = {str(item): number for number, item in enumerate(data.item_ids)}
    starts, found = cases.known.indptr, []
    for question, truth in enumerate(truths):
        known = slice(starts[question], starts[question + 1])
        rows = zip(cases.known.item[known], cases.known.timestamp[known], strict=True)
        query = Query(events=[Event(str(data.item_ids[item]), int(at)) for item, at in rows])
        answer = model.recommend(query, DEEPEST, exploration_weight=0)
        at = {code[str(scored.item_id)]: place for place, scored in enumerate(answer, 1)}
        found.append([at.get(item, 0) for item in truth.tolist()])
    return np.concatenate([np.array(row, dtype=np.int64) for row in found])
