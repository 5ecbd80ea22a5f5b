"""What a filter costs: 500 results from 100,000 items.

    .venv/bin/python -m benchmarks.filters [RECIPE]

Prints, per filter, the first mask (it builds the indexes), the median of later ones, and mask plus
ranking: the ranking of a model of RECIPE (such as user-personalization-v2, fitted here in half a
minute), or else of random scores.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from recdrop.personalize.filters.expressions import parse
from recdrop.personalize.filters.masks import Catalogue, FilterContext
from recdrop.recommender import Query, TrainingData, fit

ITEMS = 100_000
RESULTS = 500
RUNS = 50

LEFT_OUT = ", ".join(f'"i{number}"' for number in range(300))
FILTERS = {
    "one value of a multi-valued field": 'INCLUDE ItemID WHERE Items.GENRES IN ("genre3")',
    "the same, left out": 'EXCLUDE ItemID WHERE Items.GENRES IN ("genre3")',
    "NOT IN": 'INCLUDE ItemID WHERE Items.GENRES NOT IN ("genre1", "genre2")',
    "a range": "INCLUDE ItemID WHERE Items.PRICE > 20 AND Items.PRICE < 40",
    "one brand of 5,000, by placeholder": "INCLUDE ItemID WHERE Items.BRAND IN ($BRAND)",
    "cheaper than the current item": "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE "
    "AND Items.GENRES IN CurrentItem.GENRES",
    "300 ids left out": f"EXCLUDE ItemID WHERE Items.ITEM_ID IN ({LEFT_OUT})",
    "seen items left out": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
    "three joined, with IF": " | ".join(
        (
            'INCLUDE ItemID WHERE Items.GENRES IN ("genre3")',
            "EXCLUDE ItemID WHERE Items.PRICE > 60 IF CurrentUser.AGE < 30",
            'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click", "buy")',
        )
    ),
}


def make_context(rng: np.random.Generator) -> FilterContext:
    genres = [
        "|".join(f"genre{n}" for n in rng.choice(20, size, replace=False))
        for size in rng.integers(1, 4, ITEMS)
    ]
    columns: dict[str, NDArray[np.object_] | NDArray[np.float64]] = {
        "ITEM_ID": np.array([f"i{n}" for n in range(ITEMS)], dtype=object),
        "GENRES": np.array(genres, dtype=object),
        "BRAND": np.array([f"brand{n}" for n in rng.integers(0, 5_000, ITEMS)], dtype=object),
        "PRICE": rng.uniform(1, 100, ITEMS),
    }
    return FilterContext(
        Catalogue(columns, ITEMS),
        user={"AGE": 25.0},
        events={"click": rng.integers(0, ITEMS, 100), "buy": rng.integers(0, ITEMS, 100)},
        current_item={"PRICE": 50.0, "GENRES": "genre1|genre2"},
    )


Ranking = Callable[[NDArray[np.bool_]], object]


def rank_scores(rng: np.random.Generator) -> Ranking:
    """What any model ends with: the highest scores among the allowed."""
    scores = rng.random(ITEMS, dtype=np.float32)

    def rank(allowed: NDArray[np.bool_]) -> object:
        masked = np.where(allowed, scores, -np.inf)
        top = np.argpartition(-masked, RESULTS)[:RESULTS]
        return top[np.argsort(-masked[top], kind="stable")]

    return rank


def rank_with(recipe: str, rng: np.random.Generator) -> Ranking:
    users, events = 20_000, 600_000
    data = TrainingData(
        user_ids=np.array(sorted(f"u{n}" for n in range(users)), dtype=object),
        item_ids=np.array(sorted(f"i{n}" for n in range(ITEMS)), dtype=object),
        user=rng.integers(0, users, events).astype(np.int32),
        item=(rng.zipf(1.2, events) % ITEMS).astype(np.int32),
        timestamp=np.sort(rng.integers(1_600_000_000, 1_700_000_000, events)),
    )
    model = fit(recipe, data, budget_seconds=20)
    return lambda allowed: model.recommend(Query(user_id="u7"), RESULTS, allowed=allowed)


def measure(recipe: str | None) -> None:
    rng = np.random.default_rng(0)
    rank = rank_with(recipe, rng) if recipe else rank_scores(rng)
    values = {"BRAND": '"brand7","brand8"'}
    print(f"{ITEMS:,} items, {RESULTS} results, median of {RUNS} runs, milliseconds")
    print(f"{'filter':<38}{'parse':>8}{'first':>8}{'mask':>8}{'mask + ranking':>16}{'allowed':>10}")
    for name, expression in FILTERS.items():
        context = make_context(rng)
        began = perf_counter()
        parsed = parse.__wrapped__(expression)
        parsing = perf_counter() - began
        given = {key: value for key, value in values.items() if key in parsed.parameters}
        began = perf_counter()
        mask = parsed.mask(context, given)
        first = perf_counter() - began
        masks, totals = [], []
        for _ in range(RUNS):
            began = perf_counter()
            mask = parsed.mask(context, given)
            masks.append(perf_counter() - began)
            rank(mask)
            totals.append(perf_counter() - began)
        times = "".join(f"{1_000 * seconds:8.2f}" for seconds in (parsing, first, median(masks)))
        print(f"{name:<38}{times}{1_000 * median(totals):16.2f}{int(mask.sum()):10,}")


if __name__ == "__main__":
    measure(sys.argv[1] if len(sys.argv) > 1 else None)
