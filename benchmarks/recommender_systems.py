"""Runs one system on one split in a process of its own, so that time and peak memory are its own.

    python -m benchmarks.recommender_systems SYSTEM SPLIT.npz ANSWERS.npz

Held-out users are unknown to the models. Systems without a way to take in a new user (BPR) are
trained with the known events of these users as well; that is to their advantage. Seen items are
filtered, except where items repeat.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.recommender_split import Split

Array = Any
Answer = Callable[[Array, int], list[int]]
Prepare = Callable[[Split], Answer]
DEPTH = 25
MOST_BYTES = 12 << 30  # a system that wants more is said to fail, before the machine does


def main(system: str, split_file: str, answer_file: str) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    split = Split.load(Path(split_file))
    questions = split.questions()
    base = _peak()
    started = time.perf_counter()
    answer = SYSTEMS[system](split)
    fitted = time.perf_counter()
    answers = [answer(known, place) for place, known in enumerate(questions)]
    done = time.perf_counter()
    table = np.full((len(answers), DEPTH), -1, dtype=np.int64)
    for place, found in enumerate(answers):
        table[place, : len(found)] = found[:DEPTH]
    np.save(answer_file, table)
    facts = {
        "fit_seconds": fitted - started,
        "milliseconds": (done - fitted) / max(1, len(questions)) * 1000,
        "peak_mb": _peak(),
        "base_mb": base,
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def ours(split: Split) -> Answer:
    return _ours(split)


def ours_from_events(split: Split) -> Answer:
    """All that the other systems are given: of no use where the data has no metadata, for it is the
    same then.
    """
    if not split.columns():
        raise ValueError("the data has no metadata: the same as recdrop")
    return _ours(replace(split, metadata="{}"))


def ours_with_extra(split: Split) -> Answer:
    """With the optional sequence model (requirements/neural.txt)."""
    importlib.import_module("torch")
    return _ours(split, extra=True)


def _ours(split: Split, *, extra: bool = False) -> Answer:
    """With the metadata of the items, where the data has any."""
    from recdrop.recommender import Event, Query, TrainingData, fit

    items = np.array([f"{code:08d}" for code in range(split.items)], dtype=object)
    users, user = np.unique(split.user, return_inverse=True)
    names = np.array([f"{code:08d}" for code in users], dtype=object)
    data = TrainingData(
        names,
        items,
        user.astype(np.int32),
        split.item.astype(np.int32),
        split.timestamp,
        items=split.columns(),
    )
    model = fit("user-personalization-v2", data, settings={"sequence_model": extra})

    def answer(known: Array, place: int) -> list[int]:
        times = split.known_time[split.known_starts[place] : split.known_starts[place + 1]]
        query = Query(
            events=[
                Event(str(items[code]), int(time)) for code, time in zip(known, times, strict=True)
            ]
        )
        return [
            int(scored.item_id) for scored in model.recommend(query, DEPTH, exploration_weight=0)
        ]

    return answer


def popularity(split: Split) -> Answer:
    counts = np.bincount(split.item, minlength=split.items).astype(np.float64)
    return _scored(split, lambda _known: counts)


def own_frequency(split: Split) -> Answer:
    counts = np.bincount(split.item, minlength=split.items)
    prior = counts / (counts.max() + 1)

    def score(known: Array) -> Array:
        decayed = np.exp(-np.arange(len(known) - 1, -1, -1) / 300)
        return np.bincount(known, decayed, minlength=split.items) + 1e-3 * prior

    return _scored(split, score)


def implicit_als(split: Split) -> Answer:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=128, regularization=5.0, alpha=1.0, iterations=15, random_state=0
    )
    model.fit(_matrix(split), show_progress=False)
    return _implicit(split, model, fold_in=True)


def implicit_bm25(split: Split) -> Answer:
    from implicit.nearest_neighbours import BM25Recommender

    model = BM25Recommender(K=300)
    model.fit(_matrix(split), show_progress=False)
    return _implicit(split, model, fold_in=False)


def implicit_bpr(split: Split) -> Answer:
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=32, learning_rate=0.02, regularization=0.01, iterations=50, random_state=0
    )
    model.fit(_matrix(split, with_known=True), show_progress=False)
    return _scored(
        split, lambda _known, place: model.item_factors @ model.user_factors[split.asked[place]]
    )


def lenskit_item_knn(split: Split) -> Answer:
    from lenskit.knn import ItemKNNScorer

    return _lenskit(split, ItemKNNScorer(max_nbrs=100, feedback="implicit"))


def lenskit_als(split: Split) -> Answer:
    from lenskit.als import ImplicitMFScorer

    return _lenskit(split, ImplicitMFScorer(embedding_size=64))


def rectools_ease(split: Split) -> Answer:
    pd = importlib.import_module("pandas")
    columns_of = importlib.import_module("rectools").Columns
    dataset_of = importlib.import_module("rectools.dataset").Dataset
    model = importlib.import_module("rectools.models").EASEModel(regularization=150.0)
    users, items = (
        np.concatenate([split.user, split.asked.repeat(np.diff(split.known_starts))]),
        np.concatenate([split.item, split.known]),
    )
    columns = {
        columns_of.User: users,
        columns_of.Item: items,
        columns_of.Weight: 1.0,
        columns_of.Datetime: pd.Timestamp("2020-01-01"),
    }
    frame = pd.DataFrame(columns).drop_duplicates([columns_of.User, columns_of.Item])
    dataset = dataset_of.construct(frame)
    model.fit(dataset)

    @cache
    def lists() -> dict[int, list[int]]:
        """Asked for all at once, as is its way, with the first question."""
        found = model.recommend(
            users=split.asked, dataset=dataset, k=DEPTH, filter_viewed=not split.repeats
        )
        answers: dict[int, list[int]] = (
            found.groupby(columns_of.User)[columns_of.Item].apply(list).to_dict()
        )
        return answers

    return lambda _known, place: lists().get(int(split.asked[place]), [])


def surprise_svd(split: Split) -> Answer:
    """Rates every item for every user: a model of ratings, asked for a ranking.

    It has to know the users beforehand.
    """
    if len(np.unique(split.value)) == 1:
        raise ValueError("the data has no ratings")
    surprise, frames = importlib.import_module("surprise"), importlib.import_module("pandas")
    user = np.concatenate([split.user, split.asked.repeat(np.diff(split.known_starts))])
    item, value = (
        np.concatenate([split.item, split.known]),
        np.concatenate([split.value, split.known_value]),
    )
    reader = surprise.Reader(rating_scale=(float(value.min()), float(value.max())))
    training = surprise.Dataset.load_from_df(
        frames.DataFrame({"u": user, "i": item, "r": value}), reader
    ).build_full_trainset()
    model = surprise.SVD(random_state=0)
    model.fit(training)
    inner = np.array([training.to_inner_iid(code) for code in np.unique(item)])

    def score(_known: Array, place: int) -> Array:
        scores = np.full(split.items, -np.inf)
        at = training.to_inner_uid(int(split.asked[place]))
        scores[np.unique(item)] = model.bi[inner] + model.qi[inner] @ model.pu[at]
        return scores

    return _scored(split, score)


SYSTEMS: Mapping[str, Prepare] = {
    "recdrop": ours,
    "recdrop (events)": ours_from_events,
    "recdrop + extra": ours_with_extra,
    "popularity": popularity,
    "own frequency": own_frequency,
    "implicit ALS": implicit_als,
    "implicit BM25": implicit_bm25,
    "implicit BPR": implicit_bpr,
    "lenskit item-kNN": lenskit_item_knn,
    "lenskit ALS": lenskit_als,
    "rectools EASE": rectools_ease,
    "Surprise SVD": surprise_svd,
}


def _lenskit(split: Split, scorer: Any) -> Answer:
    """Its pipeline leaves seen items out, also where items repeat: it does better so."""
    pd = importlib.import_module("pandas")
    from lenskit import recommend
    from lenskit.data import ItemList, RecQuery, from_interactions_df
    from lenskit.pipeline import topn_pipeline

    frame = pd.DataFrame({"user_id": split.user, "item_id": split.item}).drop_duplicates()
    trained = np.unique(split.item)  # it refuses others
    pipeline = topn_pipeline(scorer, n=DEPTH)
    pipeline.train(from_interactions_df(frame))

    def answer(known: Array, _place: int) -> list[int]:
        query = RecQuery(user_items=ItemList(item_ids=np.unique(known[np.isin(known, trained)])))
        return [int(code) for code in recommend(pipeline, query).ids()]

    return answer


def _implicit(split: Split, model: Any, *, fold_in: bool) -> Answer:
    more = {"recalculate_user": True} if fold_in else {}

    def answer(known: Array, _place: int) -> list[int]:
        values = np.ones(len(known), dtype=np.float32)
        row = sparse.csr_matrix(
            (values, (np.zeros(len(known), dtype=int), known)), shape=(1, split.items)
        )
        codes, _ = model.recommend(
            0, row, N=DEPTH, filter_already_liked_items=not split.repeats, **more
        )
        return [int(code) for code in codes if code >= 0]

    return answer


def _scored(split: Split, score: Callable[..., Array]) -> Answer:
    wants_place = score.__code__.co_argcount == 2

    def answer(known: Array, place: int) -> list[int]:
        values = np.array(score(known, place) if wants_place else score(known), dtype=np.float64)
        if not split.repeats:
            values[known] = -np.inf
        best = np.argpartition(-values, DEPTH)[:DEPTH]
        return [int(code) for code in best[np.argsort(-values[best], kind="stable")]]

    return answer


def _matrix(split: Split, *, with_known: bool = False) -> sparse.csr_matrix:
    user, item = split.user, split.item
    if with_known:
        user = np.concatenate([user, split.asked.repeat(np.diff(split.known_starts))])
        item = np.concatenate([item, split.known])
    ones = np.ones(len(user), dtype=np.float32)
    return sparse.csr_matrix((ones, (user, item)), shape=(split.users, split.items))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
