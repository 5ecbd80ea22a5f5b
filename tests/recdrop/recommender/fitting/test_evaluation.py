from __future__ import annotations

import numpy as np

from recdrop.recommender import Event, Query, evaluate, fit
from recdrop.recommender.data.histories import histories
from recdrop.recommender.data.split import hold_out
from recdrop.recommender.fitting.evaluation import measure_cases, published
from recdrop.recommender.metrics import MRR, PERSONALIZE_NAMES
from tests.recdrop.recommender.worlds import two_circles

DATA = two_circles()


def test_related_items_are_asked_with_the_newest_item() -> None:
    model = fit("sims", DATA)
    query = Query(events=[Event("b1", 1), Event("a3", 2)])
    near = [[scored.item_id for scored in model.similar("a3", 25)]]
    assert evaluate(model, [query], near).values[MRR] == 1.0
    assert evaluate(model, [Query(item_id="a3")], near).values[MRR] == 1.0


def test_no_user_is_answered_with_exploration() -> None:
    model = fit("user-personalization-v2", DATA)
    queries = [Query(user_id=str(user)) for user in DATA.user_ids]
    truths = [
        [scored.item_id for scored in model.recommend(query, 25, exploration_weight=0.0)]
        for query in queries
    ]
    assert evaluate(model, queries, truths).values[MRR] == 1.0


def test_users_of_cases_are_asked_as_strangers_with_events() -> None:
    history = histories(DATA)
    cases = hold_out(history, np.arange(6))
    found = measure_cases(fit("user-personalization-v2", DATA), DATA, cases)
    assert len(found.per_user[MRR]) == 6
    assert list(published(found))[: len(PERSONALIZE_NAMES)] == list(PERSONALIZE_NAMES)
