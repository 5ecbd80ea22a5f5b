"""What `make bench-models` measures, one function a debt.

Each takes data and a seed and gives one value per question, by system and metric. Only the public
interface is used, so that an older version of the project answers the same questions.

    python -m benchmarks.recommender_debts DEBT DATA SEEDS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.recommender_data import DATASETS, from_codes
from recdrop.recommender import Event, Query, TrainingData, fit
from recdrop.recommender.data.histories import histories
from recdrop.recommender.data.split import draw_users, hold_out
from recdrop.recommender.metrics import ndcg, ndcg_retrieved, reciprocal_rank
from recdrop.recommender.parts.content import describe
from recdrop.recommender.parts.markov import transitions

Array = Any
Found = dict[str, dict[str, list[float]]]
OURS = "recdrop"
DAY = 86_400
DEPTH = 25
# Windows of a trend that are asked for, and the share of the users that a seed draws.
CUTS = 6
# A short search: enough for what is asked here.
BUDGET = 1
COLD_SHARE = 0.1
MOST_ASKED = 500
SOME_USERS = 0.8
MOST_SESSIONS = 1500
# Of Complete Journey: baskets that say something, and as many as make a sparse shop.
BASKET_LINES = (3, 50)
SOME_BASKETS = 0.08


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


def _code(data: TrainingData, identifier: str) -> int:
    return int(np.searchsorted(data.item_ids.astype(str), identifier))


def _codes(answer: Sequence[Any], data: TrainingData) -> Array:
    codes = {identifier: code for code, identifier in enumerate(data.item_ids.tolist())}
    return np.array([codes[one.item_id] for one in answer], dtype=np.int64)


def cold(data: TrainingData, seed: int) -> Found:
    """The order of items without any event, by what else a user had.

    A tenth of the items is new: none of their events is told. Users with some in the newest three
    tenths of their events are asked for those, among all new items, without exploration and with as
    much as there is.
    """
    rng = np.random.default_rng(seed)
    new = rng.random(len(data.item_ids)) < COLD_SHARE
    users = rng.permutation(len(data.user_ids))
    asked, told = users[: len(users) // 2], ~new[data.item]
    training = data.take(told & ~np.isin(data.user, asked))
    model = fit("user-personalization", training, seed=seed, budget_seconds=BUDGET)
    content = describe(data.items, len(data.item_ids))
    assert content is not None
    allowed = new[np.array([_code(data, identifier) for identifier in model.item_ids])]
    found: Found = {one: {"order": [], "exploring": []} for one in (OURS, "likeness", "random")}
    order = np.lexsort((data.timestamp, data.user))
    for user in asked[:MOST_ASKED].tolist():
        rows = order[data.user[order] == user]
        older, newer = np.split(rows, [round(len(rows) * 0.7)])
        truth = set(data.item[newer[~told[newer]]].tolist())
        known = data.item[older[told[older]]]
        if not truth or not len(known):
            continue
        events = [Event(str(data.item_ids[code]), at) for at, code in enumerate(known.tolist())]
        like = content.likeness(content.profile(known, np.ones(len(known), dtype=np.float32)))
        plain = np.argsort(-np.where(new, like, -1.0), kind="stable")[:DEPTH].tolist()
        chance = rng.permutation(np.flatnonzero(new))[:DEPTH].tolist()
        for metric, weight in (("order", 0.0), ("exploring", 1.0)):
            answer = model.recommend(
                Query(events=events), DEPTH, allowed=allowed, exploration_weight=weight, seed=user
            )
            for system, codes in (
                (OURS, _codes(answer, data)),
                ("likeness", plain),
                ("random", chance),
            ):
                found[system][metric].append(ndcg(list(codes), truth, 10))
    return found


def related(data: TrainingData, seed: int, recipe: str = "similar-items") -> Found:
    """Held-out users, asked with their newest item; of the simple kind are directed transitions."""
    history, items = histories(data), len(data.item_ids)
    asked = draw_users(history, 0.1, MOST_ASKED, np.random.default_rng(seed))
    others = np.setdiff1d(np.arange(history.users), asked)
    model = fit(recipe, data.take(np.isin(data.user, others)), seed=seed)
    rest, cases = history.take_users(others), hold_out(history, asked)
    plain = transitions(rest, items, window=10, tau=4.0)
    popular = np.bincount(rest.item, minlength=items) / (1e6 * len(rest))
    names = ("ndcg@10", "ndcgaws@10", "mrr@25")
    found: Found = {one: {name: [] for name in names} for one in (OURS, "transitions")}
    for place, true in enumerate(cases.truths()):
        newest = int(cases.known.item[cases.known.of(place)][-1])
        row = plain[newest].toarray().ravel() + popular
        row[newest] = -1
        answers = {OURS: _codes(model.similar(str(data.item_ids[newest]), DEPTH), data).tolist()}
        answers["transitions"] = np.argsort(-row, kind="stable")[:DEPTH].tolist()
        truth = [str(code) for code in set(true.tolist())]
        for system, codes in answers.items():
            answer = [str(code) for code in codes]
            values = (
                ndcg(answer, truth, 10),
                ndcg_retrieved(answer, truth, 10),
                reciprocal_rank(answer, truth),
            )
            for name, value in zip(names, values, strict=True):
                found[system][name].append(value)
    return found


def session(data: TrainingData, seed: int) -> Found:
    """Held-out sessions, asked for their newest tenth; of the simple kind are directed transitions."""
    history, items = histories(data), len(data.item_ids)
    asked = draw_users(history, 0.1, MOST_SESSIONS, np.random.default_rng(seed))
    others = np.setdiff1d(np.arange(history.users), asked)
    model = fit("user-personalization", data.take(np.isin(data.user, others)), seed=seed)
    rest, cases = history.take_users(others), hold_out(history, asked)
    plain = transitions(rest, items, window=10, tau=4.0)
    names = ("ndcg@10", "recall@20", "mrr@25")
    found: Found = {one: {name: [] for name in names} for one in (OURS, "transitions")}
    for place, true in enumerate(cases.truths()):
        known = cases.known.item[cases.known.of(place)]
        events = [Event(str(data.item_ids[code]), at) for at, code in enumerate(known.tolist())]
        decayed = np.exp(-np.arange(len(known))[::-1] / 4.0).astype(np.float32)
        row = np.asarray(decayed @ plain[known]).ravel()
        row[known] = -1
        answer = model.recommend(Query(events=events), DEPTH, exploration_weight=0.0)
        answers = {OURS: _codes(answer, data), "transitions": np.argsort(-row, kind="stable")}
        truth = {str(code) for code in true.tolist()}
        for system, codes in answers.items():
            best = [str(code) for code in codes[:DEPTH].tolist()]
            recall = len(truth & set(best[:20])) / len(truth)
            values = (ndcg(best, truth, 10), recall, reciprocal_rank(best, truth))
            for name, value in zip(names, values, strict=True):
                found[system][name].append(value)
    return found


def noise(data: TrainingData, seed: int) -> Found:
    """The same held-out users and the same training data for all seeds: only the fit's is another."""
    history = histories(data)
    asked = draw_users(history, 0.1, MOST_ASKED, np.random.default_rng(0))
    training = data.take(~np.isin(data.user, asked))
    model = fit("user-personalization", training, seed=seed)
    cases = hold_out(history, asked)
    uses = np.bincount(training.item, minlength=len(data.item_ids)).astype(np.float64)
    found: Found = {OURS: {"ndcg@10": []}, "popularity": {"ndcg@10": []}}
    for place, true in enumerate(cases.truths()):
        known = cases.known.item[cases.known.of(place)]
        events = [Event(str(data.item_ids[code]), at) for at, code in enumerate(known.tolist())]
        answer = model.recommend(Query(events=events), 10, exploration_weight=0.0)
        unseen = np.where(np.isin(np.arange(len(uses)), known), -1.0, uses)
        answers = {OURS: _codes(answer, data), "popularity": np.argsort(-unseen, kind="stable")}
        truth = {str(code) for code in true.tolist()}
        for system, codes in answers.items():
            best = [str(code) for code in codes[:10].tolist()]
            found[system]["ndcg@10"].append(ndcg(best, truth, 10))
    return found


def baskets(data: TrainingData, seed: int) -> Found:
    """Some of the baskets, each a session of its own; what a user bought at one moment is one."""
    _, basket, lines = np.unique(
        np.stack([data.user, data.timestamp]), axis=1, return_inverse=True, return_counts=True
    )
    rng = np.random.default_rng(seed)
    wanted = (lines >= BASKET_LINES[0]) & (lines <= BASKET_LINES[1])
    rows = np.flatnonzero((wanted & (rng.random(len(lines)) < SOME_BASKETS))[basket])
    return session(from_codes(basket[rows], data.item_ids[data.item[rows]], rows), seed)


def sims(data: TrainingData, seed: int) -> Found:
    return related(data, seed, "sims")


def ranking(data: TrainingData, seed: int) -> Found:
    """Held-out users rank their truth among 100 items drawn by use that they do not know."""
    history, rng = histories(data), np.random.default_rng(seed)
    asked = draw_users(history, 0.1, MOST_ASKED, rng)
    others = np.setdiff1d(np.arange(history.users), asked)
    training = data.take(np.isin(data.user, others))
    model = fit("personalized-ranking", training, seed=seed, budget_seconds=BUDGET)
    cases = hold_out(history, asked)
    uses = np.bincount(training.item, minlength=len(data.item_ids)).astype(np.float64)
    found: Found = {OURS: {"ndcg@10": []}, "popularity": {"ndcg@10": []}}
    for place, true in enumerate(cases.truths()):
        known, truth = (
            cases.known.item[cases.known.of(place)],
            {str(code) for code in true.tolist()},
        )
        drawn = rng.choice(len(uses), 100, p=uses / uses.sum())
        listed = np.union1d(np.setdiff1d(drawn, known), true)
        events = [Event(str(data.item_ids[code]), at) for at, code in enumerate(known.tolist())]
        ranked = model.rank(Query(events=events), data.item_ids[listed].tolist())
        answers = {OURS: _codes(ranked, data), "popularity": listed[np.argsort(-uses[listed])]}
        for system, codes in answers.items():
            found[system]["ndcg@10"].append(ndcg([str(code) for code in codes], truth, 10))
    return found


@dataclass(frozen=True)
class Debt:
    """`data` are names of data sets; `baseline` is the simple system that ours is not to lose to.

    `same_questions`: all seeds ask the same, and what differs between them is the fit alone.
    """

    measure: Callable[[TrainingData, int], Found]
    data: Sequence[str]
    baseline: str
    same_questions: bool = False


DEBTS: Mapping[str, Debt] = {
    "related": Debt(related, ("POC", "ml-latest-small", "Beauty"), "transitions"),
    "sims": Debt(sims, ("POC",), "transitions"),
    "session": Debt(session, ("Beauty",), "transitions"),
    "baskets": Debt(baskets, ("Complete Journey",), "transitions"),
    "noise": Debt(noise, ("ml-100k likes", "ml-100k"), "popularity", same_questions=True),
    "ranking": Debt(ranking, ("POC", "ml-latest-small"), "popularity"),
    "cold": Debt(cold, ("POC", "ml-latest-small"), "likeness"),
    "trending": Debt(trending, ("Complete Journey", "ml-100k"), "most clicked"),
}


if __name__ == "__main__":
    name, of, number = sys.argv[1:]
    whole = DATASETS[of]()
    print(json.dumps([DEBTS[name].measure(whole, seed) for seed in range(int(number))]))
