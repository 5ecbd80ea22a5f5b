"""/health: 200 with what each group serves, 503 while the table is out of reach."""

from __future__ import annotations

from tests.chalicelib.house import ARN, House


def test_health_shows_what_each_group_serves(shop: House) -> None:
    answered = shop.get("/health")
    assert answered.status == 200
    assert answered.json == {
        "status": "ok",
        "parts": {"api": {"status": "ok"}, "table": {"status": "ok"}},
        "groups": {
            "shop": {
                "solutions": {
                    "for-you": {
                        "recipe": "aws-user-personalization-v2",
                        "campaign": f"{ARN}:campaign/shop-for-you",
                        "solutionVersion": f"{ARN}:solution/shop-for-you/1",
                        "run": "run1",
                    },
                },
                "popular": True,
                "events": True,
            },
        },
    }


def test_a_group_without_popular_list_and_tracker_says_so(house: House) -> None:
    house.serve(event_tracker_id=None)
    shown = house.get("/health").json["groups"]["shop"]
    assert (shown["popular"], shown["events"]) == (False, False)


def test_health_is_of_now_not_of_the_cache(shop: House) -> None:
    table = shop.count_reads()
    assert shop.get("/recommendations/u1").status == 200
    table.fails = True
    answered = shop.get("/health")
    assert answered.status == 503
    assert answered.headers["Retry-After"] == "5"
    assert answered.json == {
        "status": "failed",
        "parts": {
            "api": {"status": "ok"},
            "table": {"status": "failed", "message": "The table cannot be read."},
        },
        "groups": {},
    }
