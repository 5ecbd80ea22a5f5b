"""/health: ok or 503 for anybody; /status: what each group serves, for signed callers."""

from __future__ import annotations

from app import app
from tests.chalicelib.house import ARN, House


def test_health_says_ok_and_nothing_else(shop: House) -> None:
    answered = shop.get("/health")
    assert (answered.status, answered.text) == (200, '{"status":"ok"}')


def test_health_is_503_without_a_reason_while_the_table_is_out_of_reach(shop: House) -> None:
    shop.count_reads().fails = True
    answered = shop.get("/health")
    assert (answered.status, answered.headers["Retry-After"]) == (503, "5")
    assert answered.json == {"error": {"code": "Unavailable", "message": "The API cannot answer."}}


def test_status_is_for_signed_callers_and_health_for_anybody() -> None:
    assert app.routes["/status"]["GET"].authorizer is not None
    assert app.routes["/health"]["GET"].authorizer is None


def test_status_shows_what_each_group_serves(shop: House) -> None:
    answered = shop.get("/status")
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
    house.serve(tracker=None)
    shown = house.get("/status").json["groups"]["shop"]
    assert (shown["popular"], shown["events"]) == (False, False)


def test_status_is_of_now_not_of_the_cache(shop: House) -> None:
    table = shop.count_reads()
    assert shop.get("/recommendations/u1").status == 200
    table.fails = True
    answered = shop.get("/status")
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
