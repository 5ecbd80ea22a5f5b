from __future__ import annotations

from pathlib import Path

import numpy as np

from recdrop.recommender import Query, TrainingData, fit, load, update
from recdrop.recommender.data.histories import Past, decay, histories
from recdrop.recommender.files import read_model
from recdrop.recommender.parts.habits import Habits, Returns
from tests.recdrop.recommender.worlds import from_rows, weekly_shoppers

MEMORY = 50.0


def learnt(data: TrainingData) -> Habits:
    return Returns.of(histories(data), len(data.item_ids)).habits(MEMORY)


def likely(habits: Habits, data: TrainingData, *items: str) -> dict[str, float]:
    """Of a history of these items, oldest first."""
    codes = np.searchsorted(data.item_ids, list(items)).astype(np.int32)
    past = Past.of(codes, np.ones(len(codes), dtype=np.float32), np.zeros(len(codes), dtype=bool))
    found = habits.scores(past, MEMORY)
    return {str(data.item_ids[code]): float(score) for code, score in zip(*found, strict=True)}


def click_and_watch(users: int = 40, films: int = 12) -> TrainingData:
    """Everyone has each film twice, one after the other, and never again."""
    rows = []
    for user in range(users):
        for step in range(films):
            film = f"film-{(user + step) % films:02d}"
            rows += [(f"user-{user:03d}", film, 2 * step), (f"user-{user:03d}", film, 2 * step + 1)]
    return from_rows(rows)


def milk_and_fridges(users: int = 40, weeks: int = 10) -> TrainingData:
    """Milk every week, and every week a fridge of another make."""
    rows = []
    for user in range(users):
        for week in range(weeks):
            rows += [
                (f"user-{user:03d}", "milk", 2 * week),
                (f"user-{user:03d}", f"fridge-{(user + week) % 12:02d}", 2 * week + 1),
            ]
    return from_rows(rows)


def test_what_was_had_twice_does_not_come_again_where_it_never_does() -> None:
    data = click_and_watch()
    found = likely(learnt(data), data, "film-01", "film-01", "film-02")
    assert found["film-02"] > 5 * found["film-01"]


def test_what_comes_every_week_comes_again_and_a_fridge_does_not() -> None:
    data = milk_and_fridges()
    found = likely(learnt(data), data, "milk", "fridge-01")
    assert found["milk"] > 3 * found["fridge-01"]


def test_an_item_nobody_is_known_to_have_had_again_is_judged_as_the_usual_one() -> None:
    data = milk_and_fridges()
    nothing = data.take(np.zeros(0, dtype=np.int64))
    assert learnt(nothing).by_item.tolist() == [1.0] * len(data.item_ids)
    assert set(learnt(nothing).by_band.tolist()) == {1.0}


def test_lifts_are_finite_and_positive() -> None:
    for data in (click_and_watch(1, 1), milk_and_fridges(2, 1), click_and_watch()):
        habits = learnt(data)
        for lifts in (habits.by_band, habits.by_item):
            assert np.isfinite(lifts).all()
            assert (lifts > 0).all()


def test_what_was_had_just_now_is_expected_again_and_what_was_had_once_long_ago_is_not() -> None:
    data = click_and_watch()
    found = likely(learnt(data), data, *(f"film-{film:02d}" for film in range(8)))
    alone = Past.of(np.arange(8), np.ones(8, dtype=np.float32), np.zeros(8, dtype=bool)).steps
    by_frequency = float(decay(alone, MEMORY)[-1] / decay(alone, MEMORY)[0])
    assert found["film-07"] / found["film-00"] > 3 * by_frequency


def test_habits_are_kept_in_the_model_file_and_renewed_by_an_update(tmp_path: Path) -> None:
    model = fit("user-personalization-v2", weekly_shoppers(40))
    model.save(tmp_path / "model")
    asked = Query(user_id="user-003")
    answer = model.recommend(asked, 5, exploration_weight=0)
    assert {scored.item_id for scored in answer[:2]} == {"item-003", "item-004"}
    assert "habits_item" in read_model(tmp_path / "model")[1]
    assert load(tmp_path / "model").recommend(asked, 5, exploration_weight=0) == answer
    assert update(model, weekly_shoppers(40)).recommend(asked, 5, exploration_weight=0) == answer
