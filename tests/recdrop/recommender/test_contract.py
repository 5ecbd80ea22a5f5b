"""What every recipe promises, on the two circles: a model that is trained, saved, loaded and asked."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from recdrop.recommender import RECIPES, Event, Model, Query, Scored, fit, load, update
from recdrop.recommender.data.records import TrainingData
from recdrop.recommender.files import read_model
from recdrop.recommender.metrics import PERSONALIZE_NAMES
from tests.recdrop.recommender.worlds import ratings, with_genres

USER = ("user", "ranking")
ITEM = (*USER, "related", "popular", "actions", "rating")
ALL = sorted(RECIPES)
OF_ITEMS = [name for name in ALL if RECIPES[name].kind in ITEM]
OF_USERS = [name for name in ALL if RECIPES[name].kind in USER]
RELATED = [name for name in ALL if RECIPES[name].kind == "related"]
SEGMENTS = [name for name in ALL if RECIPES[name].kind == "segment"]


def _data(recipe: str) -> TrainingData:
    return ratings() if recipe == "svd" else with_genres()


def _settings(recipe: str) -> dict[str, int]:
    return {"n_epochs": 4} if recipe == "svd" else {}


@cache
def _model(recipe: str) -> Model:
    return fit(recipe, _data(recipe), settings=_settings(recipe))


def _ids(answer: list[Scored]) -> list[str]:
    return [scored.item_id for scored in answer]


def _question(recipe: str) -> Query:
    data = _data(recipe)
    return Query(user_id=str(data.user_ids[0]), item_id=str(data.item_ids[0]))


@pytest.mark.parametrize("recipe", ALL)
def test_a_model_knows_what_it_is(recipe: str) -> None:
    model = _model(recipe)
    assert (model.recipe, model.kind) == (recipe, RECIPES[recipe].kind)
    assert isinstance(model, Model)
    assert model.item_ids.tolist() == _data(recipe).item_ids.tolist()
    assert model.item_index(str(model.item_ids[3])) == 3
    assert model.item_index("nowhere") is None


@pytest.mark.parametrize("recipe", ALL)
def test_settings_and_metrics_are_plain_finite_values(recipe: str) -> None:
    model = _model(recipe)
    assert all(math.isfinite(value) for value in model.metrics.values())
    assert all(isinstance(value, str | float | int | bool) for value in model.settings.values())


@pytest.mark.parametrize(
    "recipe", [name for name in OF_ITEMS if name not in ("svd", "next-best-action")]
)
def test_the_metrics_have_the_names_of_personalize(recipe: str) -> None:
    assert set(PERSONALIZE_NAMES) <= set(_model(recipe).metrics)


@pytest.mark.parametrize("recipe", OF_ITEMS)
def test_a_saved_model_answers_the_same(recipe: str, tmp_path: Path) -> None:
    model = _model(recipe)
    model.save(tmp_path / "model")
    query = _question(recipe)
    assert load(tmp_path / "model").recommend(query, 7) == model.recommend(query, 7)


@pytest.mark.parametrize("recipe", ALL)
def test_the_same_seed_gives_the_same_bytes(recipe: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        fit(recipe, _data(recipe), seed=3, settings=_settings(recipe)).save(tmp_path / name)
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        for name in files
    )


@pytest.mark.parametrize("recipe", OF_ITEMS)
def test_answers_have_no_item_twice_and_only_allowed_ones(recipe: str) -> None:
    model = _model(recipe)
    allowed = np.arange(len(model.item_ids)) % 2 == 0
    answer = _ids(model.recommend(_question(recipe), 50, allowed=allowed))
    assert len(answer) == len(set(answer))
    assert all(allowed[code] for item in answer if (code := model.item_index(item)) is not None)


@pytest.mark.parametrize("recipe", OF_USERS)
def test_an_answer_is_full_while_enough_items_are_allowed(recipe: str) -> None:
    model = _model(recipe)
    allowed = np.zeros(len(model.item_ids), dtype=bool)
    allowed[:6] = True
    assert len(model.recommend(_question(recipe), 6, allowed=allowed)) == 6


@pytest.mark.parametrize("recipe", OF_ITEMS)
def test_nothing_allowed_is_an_empty_answer(recipe: str) -> None:
    model = _model(recipe)
    assert (
        model.recommend(_question(recipe), 5, allowed=np.zeros(len(model.item_ids), dtype=bool))
        == []
    )


@pytest.mark.parametrize("recipe", OF_ITEMS)
def test_an_unknown_user_and_item_get_an_answer(recipe: str) -> None:
    answer = _model(recipe).recommend(Query(user_id="nobody", item_id="nothing"), 3)
    assert len(answer) == 3


@pytest.mark.parametrize("recipe", OF_USERS)
def test_a_new_user_is_answered_from_events(recipe: str) -> None:
    events = [Event("a2", 1), Event("a3", 2)]
    answer = _model(recipe).recommend(Query(events=events), 1, exploration_weight=0)
    assert _ids(answer) == ["a4"]


@pytest.mark.parametrize("recipe", OF_USERS)
def test_a_user_with_nothing_gets_popular_items(recipe: str) -> None:
    answer = _model(recipe).recommend(Query(), 3, exploration_weight=0)
    assert [(scored.score, scored.reason) for scored in answer] == [(None, "Popular item")] * 3


@pytest.mark.parametrize("recipe", OF_USERS)
def test_ranking_orders_the_given_items(recipe: str) -> None:
    query = Query(events=[Event("a2", 1), Event("a3", 2)])
    answer = _model(recipe).rank(query, ["unknown-2", "b4", "a4", "unknown-1"])
    assert _ids(answer) == ["a4", "b4", "unknown-2", "unknown-1"]
    assert [scored.score for scored in answer[2:]] == [0.0, 0.0]
    assert sum(scored.score or 0 for scored in answer) == pytest.approx(1.0)


@pytest.mark.parametrize("recipe", RELATED)
def test_similar_items_are_of_the_same_circle(recipe: str) -> None:
    answer = _ids(_model(recipe).similar("a3", 3))
    assert {item[0] for item in answer} == {"a"}
    assert "a3" not in answer


@pytest.mark.parametrize("recipe", RELATED)
def test_an_unknown_item_gets_popular_items(recipe: str) -> None:
    answer = _model(recipe).similar("nothing", 4)
    assert [scored.reason for scored in answer] == ["Popular item"] * 4


@pytest.mark.parametrize("recipe", SEGMENTS)
def test_a_segment_is_of_the_users_of_the_circle(recipe: str) -> None:
    found = _model(recipe).segment("a5", 5)
    assert all(int(user.removeprefix("user-")) % 2 == 0 for user in found)
    assert len(set(found)) == 5


@pytest.mark.parametrize("recipe", SEGMENTS)
def test_a_segment_by_mask_is_of_the_users_of_the_attribute(recipe: str) -> None:
    model = _model(recipe)
    mask = np.array([identifier.startswith("b") for identifier in model.item_ids])
    assert all(int(user.removeprefix("user-")) % 2 == 1 for user in model.segment(mask, 5))


@pytest.mark.parametrize("recipe", ALL)
def test_an_update_brings_a_new_item_and_keeps_the_metrics(recipe: str) -> None:
    model = _model(recipe)
    data = _data(recipe)
    more = TrainingData.from_rows(
        [*(data.user_ids[data.user]), "user-new"],
        [*(data.item_ids[data.item]), "zz-new"],
        [*data.timestamp.tolist(), int(data.timestamp.max()) + 1],
        event_values=[
            *(data.event_value.tolist() if data.event_value is not None else [None] * len(data)),
            4.0,
        ],
        item_columns={
            name: (column.kind, dict(zip(data.item_ids, column.values, strict=True)))
            for name, column in data.items.items()
        },
    )
    updated = update(model, more)
    assert updated.item_index("zz-new") is not None
    assert dict(updated.metrics) == dict(model.metrics)
    assert updated.settings["updates"] == 1


@pytest.mark.parametrize("recipe", ALL)
def test_an_update_with_the_same_data_is_the_full_fit(recipe: str, tmp_path: Path) -> None:
    model = _model(recipe)
    model.save(tmp_path / "fit")
    update(model, _data(recipe)).save(tmp_path / "update")
    fitted, updated = (read_model(tmp_path / name)[1] for name in ("fit", "update"))
    assert {name: array.tolist() for name, array in updated.items()} == {
        name: array.tolist() for name, array in fitted.items()
    }


@pytest.mark.parametrize("recipe", SEGMENTS)
def test_a_segment_model_refuses_what_it_is_not(recipe: str) -> None:
    with pytest.raises(ValueError, match=r"cannot recommend items"):
        _model(recipe).recommend(Query())
