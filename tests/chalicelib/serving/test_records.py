"""What the table says is served, its cache, /health and /runs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from botocore.exceptions import EndpointConnectionError

from chalicelib.serving.records import plain
from tests.chalicelib.house import ARN, House, make_app


class CountingTable:
    """A table that counts its reads, and may be out of reach."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.reads = 0
        self.fails = False

    def get_item(self, **arguments: Any) -> Any:
        return self._read(self.table.get_item, arguments)

    def query(self, **arguments: Any) -> Any:
        return self._read(self.table.query, arguments)

    def _read(self, read: Any, arguments: Any) -> Any:
        self.reads += 1
        if self.fails:
            raise EndpointConnectionError(endpoint_url="http://table")
        return read(**arguments)


def with_counting_table(house: House) -> CountingTable:
    table = CountingTable(house.table)
    api = house.make_api(lambda: table)
    house.app = make_app(lambda: api)
    return table


def test_records_are_read_once_in_ten_seconds(shop: House) -> None:
    table = with_counting_table(shop)
    for _ in range(5):
        shop.get("/recommendations/u1")
    assert table.reads == 3
    shop.clock.seconds += 11
    shop.get("/recommendations/u1")
    assert table.reads == 6


def test_while_the_table_is_out_of_reach_the_last_records_serve_on(shop: House) -> None:
    table = with_counting_table(shop)
    shop.get("/recommendations/u1")
    table.fails = True
    shop.clock.seconds += 3600
    assert shop.get("/recommendations/u1").json["source"] == "campaign"


def test_an_api_that_never_read_the_table_says_that_it_cannot(shop: House) -> None:
    with_counting_table(shop).fails = True
    for path in ("/recommendations/u1", "/popular?group=shop", "/runs/run1"):
        answered = shop.get(path)
        assert (answered.status, answered.error["code"]) == (503, "Unavailable")
        assert answered.headers["Retry-After"] == "5"


def test_a_record_that_cannot_be_read_does_not_take_the_others_with_it(shop: House) -> None:
    shop.table.put_item(Item={"pk": "group#shop", "sk": "serving#broken", "recipe": 7})
    assert shop.get("/recommendations/u1").json["solution"] == "for-you"
    assert list(shop.get("/health").json["groups"]["shop"]["solutions"]) == ["for-you"]


def test_many_records_are_read_page_by_page(shop: House) -> None:
    for number in range(4):
        shop.serve(
            solution=f"s{number:02}",
            filters={f"f{n}": f"{ARN}:filter/{'x' * 1000}{n}" for n in range(300)},
        )
    assert len(shop.get("/health").json["groups"]["shop"]["solutions"]) == 5


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


def test_health_is_503_while_the_table_is_out_of_reach(shop: House) -> None:
    with_counting_table(shop).fails = True
    answered = shop.get("/health")
    assert answered.status == 503
    assert answered.json["parts"]["table"] == {
        "status": "failed",
        "message": "The table cannot be read.",
    }


def test_a_run_is_shown_without_what_is_not_the_publics(shop: House) -> None:
    item = {
        "pk": "run#abc",
        "sk": "run",
        "status": "SUCCEEDED",
        "started_at": 1714644672,
        "fence": 3,
        "_secret": "x",
        "metrics": {"precision_at_5": Decimal("0.25")},
        "datasets": {"items", "users"},
    }
    shop.table.put_item(Item=item)
    assert shop.get("/runs/abc").json == {
        "run": "abc",
        "status": "SUCCEEDED",
        "startedAt": 1714644672,
        "metrics": {"precision_at_5": 0.25},
        "datasets": ["items", "users"],
    }


def test_an_unknown_run_is_not_found(shop: House) -> None:
    assert shop.get("/runs/nope").status == 404
    assert shop.get(f"/runs/{'x' * 129}").status == 400


def test_dynamodb_values_become_json_values() -> None:
    value = {
        "a": Decimal(1),
        "b": Decimal("1.5"),
        "c": {Decimal(2), Decimal(1)},
        "d": [None, True, "x"],
    }
    assert plain(value) == {"a": 1, "b": 1.5, "c": [1, 2], "d": [None, True, "x"]}


def test_a_group_whose_first_run_goes_on_is_not_ready(house: House) -> None:
    house.table.put_item(Item={"pk": "groups", "sk": "shop"})
    for path in ("/recommendations/u1", "/recommendations/u1?group=shop"):
        answered = house.get(path)
        assert (answered.status, answered.error["code"]) == (409, "NotReady")
        assert (
            answered.error["message"]
            == "Group 'shop' serves nothing yet. Its first run has to finish."
        )
    house.serve()
    assert house.get("/recommendations/u1").status == 200
