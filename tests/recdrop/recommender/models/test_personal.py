from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from recdrop.recommender import Column, Event, Query, TrainingData, fit, load, update
from recdrop.recommender.files import read_model
from recdrop.recommender.models.base import Header
from recdrop.recommender.models.personal import PersonalModel
from recdrop.recommender.parts.sequence import SequenceNet
from tests.recdrop.recommender.nets import random_net
from tests.recdrop.recommender.worlds import from_rows, two_circles, weekly_shoppers, with_genres

DAY = 86_400


def _trained(data: TrainingData, **settings: float) -> PersonalModel:
    model = fit("user-personalization-v2", data, settings=settings)
    assert isinstance(model, PersonalModel)
    return model


@cache
def _genres() -> PersonalModel:
    return _trained(with_genres())


def _ids(
    model: PersonalModel, query: Query, n: int, weight: float = 0.0, **more: float
) -> list[str]:
    answer = model.recommend(query, n, exploration_weight=weight, **more)  # type: ignore[arg-type]
    return [scored.item_id for scored in answer]


def test_where_items_do_not_repeat_seen_ones_are_left_out() -> None:
    model = _trained(two_circles())
    assert model.settings["repeats"] is False
    assert set(_ids(model, Query(events=[Event("a1", 1), Event("a2", 2)]), 5)).isdisjoint(
        {"a1", "a2"}
    )


def test_where_items_repeat_the_users_own_come_first() -> None:
    model = _trained(weekly_shoppers())
    assert model.settings["repeats"] is True
    assert set(_ids(model, Query(user_id="user-003"), 2)) == {"item-003", "item-004"}


def test_seen_items_fill_up_when_nothing_else_is_allowed() -> None:
    model = _trained(two_circles())
    allowed = np.isin(model.item_ids, ["a1", "a2", "a3"])
    answer = model.recommend(
        Query(events=[Event("a1", 1), Event("a2", 2)]), 3, allowed=allowed, exploration_weight=0
    )
    assert answer[0].item_id == "a3"
    assert len(answer) == 3


def test_newer_events_come_after_the_training_history() -> None:
    model = _trained(two_circles())
    assert _ids(
        model, Query(user_id="user-000", events=[Event("b2", 9**9), Event("b3", 9**9 + 1)]), 1
    ) == ["b4"]


@pytest.mark.parametrize("user_id", [None, "user-000"])
def test_events_of_one_moment_have_no_order(user_id: str | None) -> None:
    model = _trained(two_circles())
    basket = [Event("a1", 9**9), Event("b1", 9**9), Event("b2", 9**9)]
    in_order = [Event(event.item_id, 9**9 + place) for place, event in enumerate(basket)]

    def answer(events: list[Event]) -> dict[str, float | None]:
        return {
            scored.item_id: scored.score
            for scored in model.recommend(Query(user_id, events), exploration_weight=0)
        }

    assert answer(basket) == pytest.approx(answer(basket[::-1]))
    assert answer(in_order) != pytest.approx(answer(in_order[::-1]))


def test_a_known_basket_is_answered_as_the_same_basket_of_a_new_user(tmp_path: Path) -> None:
    rows = [
        (f"user-{user}", f"item-{(user + step) % 7}", 10) for user in range(9) for step in range(4)
    ]
    _trained(from_rows(rows)).save(tmp_path / "model")
    basket = [Event(item, 10) for user, item, _ in reversed(rows) if user == "user-3"]
    model = load(tmp_path / "model")
    known = model.recommend(Query("user-3"), exploration_weight=0)
    assert known == model.recommend(Query(events=basket), exploration_weight=0)


def test_events_of_unknown_items_are_passed_over() -> None:
    model = _trained(two_circles())
    assert _ids(model, Query(events=[Event("a2", 1), Event("?", 2), Event("a3", 3)]), 1) == ["a4"]


def test_an_event_of_weight_zero_does_not_count() -> None:
    data = TrainingData.from_rows(
        ["u1", "u1", "u1", "u2", "u2", "u2"],
        ["a", "x", "b", "a", "x", "b"],
        [1, 2, 3, 1, 2, 3],
        event_types=["buy", "view", "buy"] * 2,
    )
    model = fit("user-personalization-v2", data, settings={"event_weights": {"View": 0.0}})
    assert isinstance(model, PersonalModel)
    assert model.engine.popularity[model.item_index("x") or 0] == 0
    scored = model.recommend(Query(events=[Event("x", 1, "view")]), 1, exploration_weight=0)
    assert scored[0].reason == "Popular item"


def test_events_below_the_value_threshold_do_not_count() -> None:
    data = TrainingData.from_rows(
        ["u", "u", "v"], ["a", "b", "b"], [1, 2, 3], event_values=[5.0, 1.0, None]
    )
    model = _trained(data, event_value_threshold=3)
    assert model.engine.popularity.tolist() == [1.0, 0.0]


def test_nothing_left_to_train_on_is_refused() -> None:
    data = TrainingData.from_rows(["u"], ["a"], [1], event_values=[1.0])
    with pytest.raises(ValueError, match=r"has 1 events of which none counts"):
        fit("user-personalization-v2", data, settings={"event_value_threshold": 3})


def test_a_context_that_helps_changes_the_answer() -> None:
    events = [Event("a1", 1), Event("b1", 2)]
    data = _context_world()
    model = _trained(data)
    assert float(model.settings["context"]) > 0
    phone = _ids(model, Query(context={"DEVICE": "phone"}), 3)
    desktop = _ids(model, Query(context={"DEVICE": "desktop"}), 3)
    assert {item[0] for item in phone} == {"a"}
    assert {item[0] for item in desktop} == {"b"}
    assert _ids(model, Query(events=events, context={"DEVICE": "fridge"}), 3) == _ids(
        model, Query(events=events), 3
    )


def _context_world() -> TrainingData:
    """The device alone decides between a and b items; the history says nothing."""
    rng = np.random.default_rng(0)
    rows, devices = [], []
    for user in range(60):
        for step in range(8):
            device = ("phone", "desktop")[int(rng.integers(2))]
            rows.append(
                (f"user-{user:03d}", f"{'a' if device == 'phone' else 'b'}{rng.integers(12)}", step)
            )
            devices.append(device)
    plain = from_rows(rows)
    column = Column("categorical", np.array(devices, dtype=object))
    return TrainingData(
        plain.user_ids,
        plain.item_ids,
        plain.user,
        plain.item,
        plain.timestamp,
        context={"DEVICE": column},
    )


def test_user_metadata_answers_for_a_user_without_events() -> None:
    answer = _genres().recommend(Query(user={"CLUB": "club-b"}), 4, exploration_weight=0)
    assert {scored.item_id[0] for scored in answer} == {"b"}
    assert all(scored.reason is None for scored in answer)


def test_new_items_get_shown_with_the_reason() -> None:
    answer = _genres().recommend(Query(user_id="user-000"), 8, exploration_weight=1.0)
    explored = [scored.item_id for scored in answer if scored.reason == "Exploration"]
    assert set(explored) & {"a-new", "b-new"}


def test_exploration_prefers_what_is_like_the_users_items() -> None:
    model = _genres()
    only_new = np.isin(model.item_ids, ["a-new", "b-new", "a1", "b1"])
    firsts = []
    for seed in range(40):
        answer = model.recommend(
            Query(user_id="user-000"),
            2,
            allowed=only_new,
            exploration_weight=1.0,
            exploration_item_age_cut_off=1,
            seed=seed,
        )
        firsts += [scored.item_id for scored in answer if scored.reason == "Exploration"][:1]
    assert firsts.count("a-new") > firsts.count("b-new")


def test_exploration_goes_round_the_likeness_instead_of_drowning_it() -> None:
    kinds = {"a1": "x|y", "a2": "x|y", "b1": "z", "b2": "z", "full": "x|y", "half": "x|z"}
    rows = [(f"u{user}", item, at) for user in range(8) for at, item in enumerate(["a1", "a2"])]
    data = TrainingData.from_rows(
        [user for user, _, _ in rows],
        [item for _, item, _ in rows],
        [at for _, _, at in rows],
        item_columns={"KIND": ("categorical", kinds)},
    )
    model = fit("user-personalization", data)
    new = np.isin(model.item_ids, ["full", "half"])
    firsts = []
    for seed in range(60):
        answer = model.recommend(
            Query(user_id="u1"), 2, allowed=new, exploration_weight=1.0, seed=seed
        )
        firsts += [scored.item_id for scored in answer if scored.reason == "Exploration"][:1]
    assert firsts.count("full") > 0.9 * len(firsts)


def test_without_exploration_nothing_is_marked() -> None:
    answer = _genres().recommend(Query(user_id="user-000"), 8, exploration_weight=0.0)
    assert all(scored.reason is None for scored in answer)


def test_exploration_is_the_same_under_the_same_seed() -> None:
    model, query = _genres(), Query(user_id="user-000")
    answers = [
        model.recommend(query, 8, exploration_weight=0.8, seed=seed) for seed in (1, 1, 2, 3, 4, 5)
    ]
    assert answers[0] == answers[1]
    assert any(answer != answers[0] for answer in answers[2:])


def test_items_older_than_the_cut_off_are_not_explored() -> None:
    rows = [
        (f"u{user}", f"i{(user + step) % 9}", step * DAY)
        for user in range(20)
        for step in range(40)
    ]
    plain = from_rows(rows)
    created = {
        "CREATION_TIMESTAMP": (
            "number",
            {**dict.fromkeys(plain.item_ids, 0.0), "late": 39.0 * DAY, "early": 0.0},
        )
    }
    data = TrainingData.from_rows(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        item_columns=created,  # type: ignore[arg-type]
    )
    model = _trained(data)
    new = model.novelty.is_new(30)
    assert new[model.item_index("late") or 0]
    assert not new[model.item_index("early") or 0]
    assert model.novelty.is_new(60)[model.item_index("early") or 0]


def test_a_new_item_that_nobody_takes_loses_its_exploration() -> None:
    rows = [(f"u{user}", f"i{(user + step) % 5}", step) for user in range(20) for step in range(6)]
    shown = ["late|" + item for _, item, _ in rows]
    data = TrainingData.from_rows(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        item_columns={"CREATION_TIMESTAMP": ("number", {"late": 5})},
        impressions=shown,
    )
    unseen = TrainingData.from_rows(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        item_columns={"CREATION_TIMESTAMP": ("number", {"late": 5})},
    )
    refused, fresh = _trained(data), _trained(unseen)
    assert not refused.novelty.is_new(30)[refused.item_index("late") or 0]
    assert fresh.novelty.is_new(30)[fresh.item_index("late") or 0]


def test_a_model_with_a_sequence_net_is_served_updated_and_kept_without_torch(
    tmp_path: Path,
) -> None:
    plain = _trained(two_circles())
    items = len(plain.item_ids)
    weights = random_net(items)
    weights["bias"] = np.where(plain.item_ids == "b4", np.float32(50), np.float32(0)).astype(
        np.float32
    )
    plain.save(tmp_path / "plain")
    header, arrays = read_model(tmp_path / "plain")
    net = SequenceNet(np.arange(items, dtype=np.int32), (weights,), repeats=False)
    kept = Header("user-personalization-v2", "user", {**header["settings"], "sequence": 100.0})
    PersonalModel(kept, {**arrays, **net.arrays("sequence")}).save(tmp_path / "mixed")
    mixed, asked = load(tmp_path / "mixed"), Query(events=[Event("a1", 1), Event("a2", 2)])
    assert plain.recommend(asked, 1, exploration_weight=0)[0].item_id == "a3"
    assert mixed.recommend(asked, 1, exploration_weight=0)[0].item_id == "b4"
    grown = from_rows(
        [*rows_of(two_circles()), ("user-new", "a0", 1), ("user-new", "a1", 2)]
    )  # all codes move by one
    assert update(mixed, grown).recommend(asked, 1, exploration_weight=0)[0].item_id == "b4"


def rows_of(data: TrainingData) -> list[tuple[str, str, int]]:
    names = zip(data.user_ids[data.user], data.item_ids[data.item], data.timestamp, strict=True)
    return [(str(user), str(item), int(at)) for user, item, at in names]


def test_an_explored_item_has_the_score_of_its_own() -> None:
    data = with_genres()
    answer = _genres().recommend(Query(user_id=str(data.user_ids[0])), 10, exploration_weight=1.0)
    explored = [scored for scored in answer if scored.reason == "Exploration"]
    assert explored
    assert all(scored.score is not None and 0 <= scored.score < 1 for scored in explored)
    assert any(scored.score for scored in explored)
