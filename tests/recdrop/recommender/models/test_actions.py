from __future__ import annotations

from recdrop.recommender import Event, Query, TrainingData, fit


def _data() -> TrainingData:
    """Action "app" is taken by half of those offered, "card" by a tenth; user-000 refused "app"
    four times.
    """
    rows = [(f"user-{n:03d}", "app", "Taken" if n % 2 else "Not Taken") for n in range(40)]
    rows += [(f"user-{n:03d}", "card", "Taken" if n % 10 == 1 else "Viewed") for n in range(40)]
    rows += [("user-000", "app", "Not Taken")] * 4
    return TrainingData.from_rows(
        [row[0] for row in rows],
        [row[1] for row in rows],
        list(range(len(rows))),
        event_types=[row[2] for row in rows],
    )


def test_propensities_are_ordered_rates() -> None:
    app, card = fit("next-best-action", _data()).recommend(Query(user_id="nobody"))
    assert (app.item_id, card.item_id) == ("app", "card")
    assert 1 > (app.score or 0) > 0.3 > (card.score or 0) > 0


def test_a_users_own_refusals_lower_the_propensity() -> None:
    model = fit("next-best-action", _data())
    refused = {
        scored.item_id: scored.score or 0 for scored in model.recommend(Query(user_id="user-000"))
    }
    everyone = {scored.item_id: scored.score or 0 for scored in model.recommend(Query())}
    assert refused["app"] < everyone["app"] / 2


def test_new_events_count_at_once() -> None:
    model = fit("next-best-action", _data())
    taken = model.recommend(Query(events=[Event("card", 1, "Taken")] * 3))
    assert taken[0].item_id == "card"
