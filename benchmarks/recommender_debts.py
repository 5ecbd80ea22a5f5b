"""What `make bench-models` measures, one function a debt.

Each takes data and a seed and gives one value per question, by system and metric. Only the public
interface is used, so that an older version of the project answers the same questions.

    python -m benchmarks.recommender_debts DEBT DATA SEED
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.recommender_data import DATASETS
from recdrop.recommender import Query, TrainingData, fit

Array = Any
Found = dict[str, dict[str, list[float]]]
OURS = "recdrop"
DAY = 86_400
DEPTH = 25
# Windows of a trend that are asked for, and the share of the users that a seed draws.
CUTS = 6
SOME_USERS = 0.8


def trending(data: TrainingData, seed: int) -> Found:
    """Whether a window of a week foretells the next one.

    `risers` is the share of the next week's 25 fastest risers that are answered, `events` the share
    of its events that are of the items answered.
    """
    rng, window = np.random.default_rng(seed), 7 * DAY
    some = data.take(rng.random(len(data.user_ids))[data.user] < SOME_USERS)
    found: Found = {
        OURS: {"risers": [], "events": []},
        "most clicked": {"risers": [], "events": []},
    }
    for back in range(CUTS, 0, -1):
        cut = int(some.timestamp.max()) - back * window
        last, following = _used(some, cut - window, cut), _used(some, cut, cut + window)
        past = some.take(some.timestamp <= cut)
        model = fit("trending-now", past, settings={"trend_window_days": 7}, seed=seed)
        answers = {OURS: _codes(model.recommend(Query(), DEPTH), some)}
        answers["most clicked"] = np.argsort(-last, kind="stable")[:DEPTH]
        rise = (following - last) / np.sqrt(following + last + 4.0)
        risers = np.argsort(-rise, kind="stable")[:DEPTH]
        risers = risers[rise[risers] > 0]
        for system, answer in answers.items():
            values = found[system]
            values["risers"].append(len(np.intersect1d(answer, risers)) / max(1, len(risers)))
            values["events"].append(float(following[answer].sum() / max(1.0, following.sum())))
    return found


def _used(data: TrainingData, after: int, until: int) -> Array:
    inside = (data.timestamp > after) & (data.timestamp <= until)
    return np.bincount(data.item[inside], minlength=len(data.item_ids)).astype(np.float64)


def _codes(answer: Sequence[Any], data: TrainingData) -> Array:
    codes = {identifier: code for code, identifier in enumerate(data.item_ids.tolist())}
    return np.array([codes[one.item_id] for one in answer], dtype=np.int64)


@dataclass(frozen=True)
class Debt:
    """`data` are names of data sets; `baseline` is the simple system that ours is not to lose to."""

    measure: Callable[[TrainingData, int], Found]
    data: Sequence[str]
    baseline: str


DEBTS: Mapping[str, Debt] = {
    "trending": Debt(trending, ("Complete Journey", "ml-100k"), "most clicked"),
}


if __name__ == "__main__":
    name, of, number = sys.argv[1:]
    print(json.dumps(DEBTS[name].measure(DATASETS[of](), int(number))))
