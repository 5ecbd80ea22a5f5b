from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from recdrop.recommender import Event, Query, TrainingData, fit
from recdrop.recommender.data.records import Array
from recdrop.recommender.models.ratings import RatingModel
from tests.recdrop.recommender.worlds import ratings, two_circles


@cache
def _model() -> RatingModel:
    model = fit("svd", ratings())
    assert isinstance(model, RatingModel)
    return model


def test_a_hidden_taste_is_found_much_better_than_the_mean() -> None:
    values = ratings().event_value
    assert values is not None
    assert _model().metrics["rmse"] < 0.6 * float(values.std())
    assert _model().metrics["mae"] < _model().metrics["rmse"]


def test_predictions_stay_within_the_scale() -> None:
    model = _model()
    expected = [
        model.predict(user, item)
        for user in ("user-000", "user-001", "nobody")
        for item in model.item_ids
    ]
    assert min(expected) >= 1
    assert max(expected) <= 5


def test_an_unknown_item_gets_the_mean() -> None:
    values = ratings().event_value
    assert values is not None
    assert _model().predict("user-000", "nowhere") == pytest.approx(float(values.mean()), abs=1e-6)


def test_the_top_items_of_everyone_are_those_of_each_one() -> None:
    model = _model()
    for user, best in list(model.recommend_all(4))[:5]:
        assert [scored.item_id for scored in best] == [
            scored.item_id for scored in model.recommend(Query(user_id=user), 4)
        ]


def test_rated_items_are_left_out_unless_asked_for() -> None:
    data, model = ratings(), _model()
    rated = {
        str(data.item_ids[item])
        for user, item in zip(data.user, data.item, strict=True)
        if user == 0
    }
    assert rated.isdisjoint(scored.item_id for scored in next(model.recommend_all(30))[1])
    assert len(next(model.recommend_all(30, include_rated=True))[1]) == 30


def test_a_new_user_is_folded_in_from_ratings() -> None:
    """Almost what the user would have got by being trained on, and the tastes do differ."""
    fitted = np.concatenate([_expected(Query(user_id=f"user-{user:03d}")) for user in range(8)])
    folded = np.concatenate([_expected(Query(events=_events(user))) for user in range(8)])
    assert float(np.corrcoef(fitted, folded)[0, 1]) > 0.9


def _events(user: int) -> list[Event]:
    data = ratings()
    values = data.event_value
    assert values is not None
    return [
        Event(str(data.item_ids[data.item[row]]), 0, None, float(values[row]))
        for row in np.flatnonzero(data.user == user)
    ]


def _expected(query: Query) -> Array:
    ranked = {
        scored.item_id: scored.score for scored in _model().rank(query, _model().item_ids.tolist())
    }
    return np.array([ranked[item] for item in _model().item_ids], dtype=np.float64)


def test_any_scale_will_do() -> None:
    data = ratings()
    values = data.event_value
    assert values is not None
    rows = (
        data.user_ids[data.user].tolist(),
        data.item_ids[data.item].tolist(),
        data.timestamp.tolist(),
    )
    model = fit("svd", TrainingData.from_rows(*rows, event_values=(values * 25 - 25).tolist()))
    assert model.metrics["rmse"] == pytest.approx(25 * _model().metrics["rmse"], rel=0.05)


def test_the_newest_rating_of_a_pair_counts() -> None:
    rows = [(u, i) for u in "abcdef" for i in "uvwxyz"]
    users, items = [u for u, _ in rows], [i for _, i in rows]
    data = TrainingData.from_rows(
        users * 2, items * 2, list(range(72)), event_values=[1.0] * 36 + [5.0] * 36
    )
    model = fit("svd", data)
    assert isinstance(model, RatingModel)
    assert model.predict("a", "u") == pytest.approx(5.0)


def test_data_without_ratings_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has no event values. Expected ratings for recipe 'svd'"):
        fit("svd", two_circles())


def test_a_rank_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"n_factors, n_epochs have values 0, 30"):
        fit("svd", ratings(), settings={"n_factors": 0})
