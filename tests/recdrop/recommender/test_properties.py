"""Whatever the ids, ties, histories and sizes: a model trains, answers in order, and never invents
an item.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recdrop.recommender import Event, Query, TrainingData, fit
from recdrop.recommender.data.histories import Histories, histories
from recdrop.recommender.parts.neighbours import side_by_side, used_together
from tests.recdrop.recommender.worlds import from_rows

IDS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=8)
ROWS = st.lists(st.tuples(IDS, IDS, st.integers(0, 50)), min_size=1, max_size=30)
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@settings(QUICK, max_examples=10)
@given(ROWS, st.integers(1, 12))
def test_any_interactions_train_and_answer(rows: list[tuple[str, str, int]], n: int) -> None:
    data = from_rows(rows)
    for recipe in ("user-personalization-v2", "sims", "popularity-count"):
        model = fit(recipe, data)
        answer = model.recommend(Query(user_id=rows[0][0], item_id=rows[0][1]), n)
        found = [scored.item_id for scored in answer]
        assert len(set(found)) == len(found) <= n
        assert set(found) <= set(data.item_ids.tolist())
        scores = [
            scored.score for scored in answer if scored.score is not None and scored.reason is None
        ]
        assert all(np.isfinite(scores))


@pytest.mark.parametrize(
    "recipe", ["user-personalization-v2", "sims", "popularity-count", "item-affinity"]
)
def test_one_user_with_one_item(recipe: str) -> None:
    model = fit(recipe, from_rows([("u", "i", 1)]))
    found = (
        model.segment("i", 3)
        if model.kind == "segment"
        else [s.item_id for s in model.recommend(Query("u"), 3)]
    )
    assert found in (["u"], ["i"])


def test_one_item_for_many_users() -> None:
    model = fit("user-personalization-v2", from_rows([(f"u{n}", "i", n) for n in range(30)]))
    assert [scored.item_id for scored in model.recommend(Query(user_id="u3"), 5)] == ["i"]


def test_all_users_alike_get_the_same() -> None:
    model = fit(
        "user-personalization-v2",
        from_rows([(f"u{n}", item, t) for n in range(30) for t, item in enumerate("abc")]),
    )
    answers = {
        tuple(s.item_id for s in model.recommend(Query(user_id=f"u{n}"), 3, exploration_weight=0))
        for n in range(30)
    }
    assert len(answers) == 1


def test_users_without_events_are_known_and_answered() -> None:
    data = TrainingData.from_rows(
        ["u"] * 3, ["a", "b", "c"], [1, 2, 3], user_columns={"AGE": ("number", {"quiet": 30})}
    )
    assert len(fit("user-personalization-v2", data).recommend(Query(user_id="quiet"), 3)) == 3


def test_equal_times_keep_the_order_of_the_rows() -> None:
    rows = [(f"u{n}", item, 0) for n in range(30) for item in ("a", "b", "c")]
    model = fit("user-personalization-v2", from_rows(rows))
    assert model.recommend(Query(events=[Event("a", 0)]), 1, exploration_weight=0)[0].item_id in {
        "b",
        "c",
    }
    history = _history(rows)
    near = used_together(side_by_side(history, 3, window=1, tau=1.0), history, discount=0.5)
    assert near[0, 2] == 0
    assert near[0, 1] > 0


def _history(rows: list[tuple[str, str, int]]) -> Histories:
    return histories(from_rows(rows))


@pytest.mark.parametrize("recipe", ["popularity-count", "user-personalization-v2"])
def test_a_million_distinct_items(recipe: str) -> None:
    answer = fit(recipe, _million(events=1_000)).recommend(Query(), 2)
    assert [scored.item_id for scored in answer] == ["i0000000", "i0000001"]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["sims", "user-personalization-v2"])
def test_a_million_distinct_items_with_an_event_each(recipe: str) -> None:
    answer = fit(recipe, _million(events=1_000_000)).recommend(
        Query(user_id="u0000", item_id="i0000000"), 2
    )
    assert len(answer) == 2


def _million(events: int) -> TrainingData:
    """A million items of which the first `events` were used, once each."""
    ids = np.array([f"i{code:07d}" for code in range(1_000_000)], dtype=object)
    users = np.array([f"u{code:04d}" for code in range(50)], dtype=object)
    item = np.arange(events, dtype=np.int32)
    return TrainingData(users, ids, item % 50, item, item.astype(np.int64))
