"""Batches through the route: Snowflake's contract, failures, and what a row may depend on."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.errors import Throttled
from chalicelib.serving.calls import Deadline
from chalicelib.snowflake.batches import Batches
from tests.chalicelib.house import (
    DENIAL,
    EVENTS,
    FAULT,
    NOT_FOUND,
    THROTTLE,
    FakeRuntime,
    House,
    proxy_event,
)

FROM_SNOWFLAKE: dict[str, Any] = json.loads((EVENTS / "snowflake_post.json").read_text())


def batch_of(*rows: Any) -> dict[str, Any]:
    return {"data": [[number, *row] for number, row in enumerate(rows)]}


def values(
    house: House, *rows: Any, function: str = "recommend", headers: Mapping[str, str] | None = None
) -> list[Any]:
    answered = house.post(f"/snowflake/{function}", batch_of(*rows), headers)
    assert answered.status == 200, answered.text
    data = answered.json["data"]
    assert [row[0] for row in data] == list(range(len(rows)))
    assert all(len(row) == 2 for row in data)
    return [row[1] for row in data]


def test_the_event_that_snowflake_sends_is_answered(shop: House) -> None:
    answered = shop.deliver(FROM_SNOWFLAKE)
    assert answered.status == 200
    assert answered.headers["Content-Type"] == "application/json"
    assert "Content-MD5" not in answered.headers
    ((number, value),) = answered.json["data"]
    assert number == 0
    assert value["items"][0]["itemId"] == "WL8ZUOD1kM-0"
    assert value["source"] == "campaign"
    assert "recommendationId" not in value


@pytest.mark.parametrize("size", [1, 2, 4096])
def test_n_rows_give_n_rows_in_order(shop: House, size: int) -> None:
    found = values(shop, *[[f"u{n}", 1, None] for n in range(size)])
    assert [value["items"][0]["itemId"] for value in found] == [f"u{n}-0" for n in range(size)]


def test_row_numbers_are_copied_whatever_their_order(shop: House) -> None:
    rows = [[7, "u7", 1], [0, "u0", 1], [99999999999999999999, "big", 1], [3, "u3", 1]]
    data = shop.post("/snowflake/recommend", {"data": rows}).json["data"]
    assert [(number, value["items"][0]["itemId"]) for number, value in data] == [
        (row[0], f"{row[1]}-0") for row in rows
    ]


def test_an_empty_batch_gives_an_empty_batch(shop: House) -> None:
    assert shop.post("/snowflake/recommend", {"data": []}).json == {"data": []}


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("recommend", [None, None, None]),
        ("similar", [None, None, None]),
        ("rank", [None, None, None]),
    ],
)
def test_null_for_the_user_or_item_gives_null(
    shop: House, function: str, arguments: list[Any]
) -> None:
    assert values(shop, arguments, function=function) == [None]
    assert shop.runtime.calls == []


def test_popular_takes_nothing_but_nulls(shop: House) -> None:
    (value,) = values(shop, [None, None], function="popular")
    assert [item["itemId"] for item in value["items"]] == ["tea", "milk", "rice"]


def test_null_options_and_sizes_take_the_defaults(shop: House) -> None:
    (value,) = values(shop, ["u1", None, None])
    assert len(value["items"]) == 25


@pytest.mark.parametrize(
    "text", ["Zoë", "日本\U0001f375", 'a"b', "a,b", "a\nb", "a\\b", "\x00", " "]
)
def test_any_text_is_an_id(standing_shop: House, text: str) -> None:
    (value,) = values(standing_shop, [text, 1, {}])
    assert value["items"][0]["itemId"] == f"{text}-0"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("", "user_id is empty. Expected 1 to 256 characters."),
        ("x" * 100_000, "user_id has 100,000 characters. Expected 1 to 256."),
        ({}, "user_id has a value of type object. Expected a string or a whole number."),
        ([], "user_id has a value of type array. Expected a string or a whole number."),
        (True, "user_id has a value of type boolean. Expected a string or a whole number."),
        (1.5, "user_id has a value of type number. Expected a string or a whole number."),
    ],
)
def test_a_wrong_argument_is_an_error_in_its_row_only(
    standing_shop: House, argument: Any, message: str
) -> None:
    bad, good = values(standing_shop, [argument, 1, None], ["u1", 1, None])
    assert bad == {"error": {"code": "BadRequest", "message": message}}
    assert good["items"][0]["itemId"] == "u1-0"


def test_numbers_and_texts_of_the_same_digits_are_one_id_and_one_call(shop: House) -> None:
    body = '{"data":[[0,1,1],[1,"1",1],[2,1.0,1],[3,99999999999999999999,1],[4,"99999999999999999999",1]]}'
    data = shop.post("/snowflake/recommend", body).json["data"]
    assert data[0][1] == data[1][1] == data[2][1]
    assert data[3][1] == data[4][1]
    assert sorted(call["userId"] for call in shop.runtime.calls) == ["1", "99999999999999999999"]


def test_equal_rows_are_asked_once(shop: House) -> None:
    found = values(shop, *[["u1", 2, {"metadata": False}]] * 50)
    assert len(shop.runtime.calls) == 1
    assert all(value == found[0] for value in found)


def test_rows_with_different_solutions_are_routed_separately(shop: House) -> None:
    shop.serve(solution="other", campaign_arn="arn:aws:personalize:us-east-1:0:campaign/other")
    first, second = values(
        shop, ["u1", 1, {"solution": "for-you"}], ["u1", 1, {"solution": "other"}]
    )
    assert (first["solution"], second["solution"]) == ("for-you", "other")
    assert len({call["campaignArn"] for call in shop.runtime.calls}) == 2


@pytest.mark.parametrize(
    ("function", "rows", "message"),
    [
        (
            "nope",
            [[0, "u"]],
            "Unknown function 'nope'. Expected one of: popular, rank, recommend, similar.",
        ),
        (
            "recommend",
            [[0]],
            "data[0]: function recommend lacks argument 'user_id'. Expected (user_id, num_results, options).",
        ),
        (
            "rank",
            [[0, "u"]],
            "data[0]: function rank lacks argument 'items'. Expected (user_id, items, options).",
        ),
        (
            "recommend",
            [[0, "u", 1, {}], [1, "u", 1, {}, 5]],
            (
                "data[1]: function recommend has 1 argument(s) after 'options'. "
                "Expected (user_id, num_results, options)."
            ),
        ),
    ],
)
def test_a_wrong_function_or_arity_fails_the_query_and_names_it(
    standing_shop: House,
    function: str,
    rows: list[Any],
    message: str,
) -> None:
    answered = standing_shop.post(f"/snowflake/{function}", {"data": rows})
    assert (answered.status, answered.error["message"]) == (400, message)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"data"',
        "{}",
        '{"data":null}',
        '{"data":{}}',
        '{"data":[1]}',
        '{"data":[[]]}',
        '{"data":[["0","u"]]}',
        '{"data":[[true,"u"]]}',
        '{"data":[[0.0,"u"]]}',
        '{"data":[[null,"u"]]}',
        '{"data":[[0,NaN]]}',
        '{"data":[[0,Infinity]]}',
        '{"data":[[0,"\\ud800"]]}',
        '{"data":[[0,1e999999999]]}',
        "[" * 200_000,
        '{"data":' + "[" * 200_000,
        '{"data":[[0,"u"]]} trailing',
    ],
)
def test_a_malformed_body_fails_the_query(standing_shop: House, body: str) -> None:
    answered = standing_shop.post("/snowflake/recommend", body)
    if "1e999999999" in body:
        assert answered.json["data"][0][1]["error"]["code"] == "BadRequest"
        return
    assert answered.status == 400
    assert answered.error["code"] == "BadRequest"


def test_plain_and_gzip_bodies_give_the_same_answer_whatever_the_headers_claim(shop: House) -> None:
    body = FROM_SNOWFLAKE["body"].encode()
    zipped = {"body": base64.b64encode(gzip.compress(body)).decode(), "isBase64Encoded": True}
    unzipped = {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    plain = shop.deliver(FROM_SNOWFLAKE)
    assert shop.deliver({**FROM_SNOWFLAKE, **zipped}) == plain
    assert shop.deliver({**FROM_SNOWFLAKE, **unzipped}) == plain


def test_a_truncated_gzip_body_and_a_gzip_bomb_are_refused(shop: House) -> None:
    def send(body: bytes) -> int:
        encoded = {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        return shop.deliver({**FROM_SNOWFLAKE, **encoded}).status

    assert send(gzip.compress(b'{"data":[]}')[:-9]) == 400
    assert send(b"\x1f\x8bnonsense") == 400
    assert send(gzip.compress(b" " * 50_000_000)) == 413
    assert shop.deliver({**FROM_SNOWFLAKE, "body": "***", "isBase64Encoded": True}).status == 400


def test_header_names_may_be_in_any_case_and_a_batch_id_may_be_missing(shop: House) -> None:
    headers = {
        name.upper(): value
        for name, value in FROM_SNOWFLAKE["headers"].items()
        if "batch" not in name
    }
    assert shop.deliver({**FROM_SNOWFLAKE, "headers": headers}).status == 200


def test_custom_headers_preset_the_options_and_a_row_may_override_them(shop: House) -> None:
    shop.serve(group="books")
    found = values(
        shop, ["u1", 1, None], ["u1", 1, {"group": "shop"}], headers={"sf-custom-group": "books"}
    )
    assert [value["group"] for value in found] == ["books", "shop"]


def test_wrong_options_are_an_error_in_their_row_or_fail_the_query_as_the_header_says(
    shop: House,
) -> None:
    wrong = ["u1", 1, {"filter": "nope"}]
    (value,) = values(shop, wrong)
    assert value["error"]["code"] == "NotFound"
    failed = shop.post("/snowflake/recommend", batch_of(wrong), {"SF-Custom-Errors": "fail"})
    assert failed.status == 400
    assert (
        failed.error["message"]
        == "Group 'shop' has no filter 'nope'. Expected one of: not-purchased."
    )
    assert (
        shop.post("/snowflake/recommend", batch_of(wrong), {"sf-custom-errors": "maybe"}).status
        == 400
    )


@pytest.mark.parametrize("size", [0, 501, -1, 1.5, "abc", True, [], 10**30])
def test_a_wrong_size_is_an_error_in_its_row(standing_shop: House, size: Any) -> None:
    (value,) = values(standing_shop, ["u1", size, None])
    assert (
        value["error"]["message"]
        == f"numResults has value {size!r}. Expected a whole number from 1 to 500."
    )


def test_options_and_items_may_be_json_text(shop: House) -> None:
    (value,) = values(shop, ["u1", "2", '{"metadata": false}'])
    assert len(value["items"]) == 2
    (ranked,) = values(shop, ["u1", '["x", "tea"]'], function="rank")
    assert [item["itemId"] for item in ranked["items"]] == ["tea", "x"]


def test_similar_and_rank_answer_rows(shop: House) -> None:
    shop.serve(solution="similar", recipe="aws-similar-items", recipe_type="RELATED_ITEMS")
    shop.serve(
        solution="rank", recipe="aws-personalized-ranking-v2", recipe_type="PERSONALIZED_RANKING"
    )
    (similar,) = values(shop, ["tea", 1, None], function="similar")
    (ranked,) = values(shop, ["u1", ["a", 2]], function="rank")
    assert [item["itemId"] for item in similar["items"]] == ["tea-0"]
    assert [item["itemId"] for item in ranked["items"]] == ["2", "a"]


def test_a_missing_campaign_gives_the_popular_list_in_every_row(shop: House) -> None:
    shop.runtime = FakeRuntime(NOT_FOUND)
    (value,) = values(shop, ["u1", 1, None])
    assert value["source"] == "fallback"


def test_a_throttled_campaign_gives_429_soon(shop: House) -> None:
    shop.runtime = FakeRuntime(THROTTLE)
    answered = shop.post("/snowflake/recommend", batch_of(["u1", 1, None]))
    assert answered.status == 429
    assert answered.headers["Retry-After"] == "1"
    assert sum(shop.clock.slept) < 1


def test_a_failing_campaign_gives_503_after_bounded_retries(shop: House) -> None:
    shop.runtime = FakeRuntime(FAULT)
    assert shop.post("/snowflake/recommend", batch_of(["u1", 1, None])).status == 503
    assert len(shop.runtime.calls) == 3


def test_a_missing_permission_fails_the_query_at_once_instead_of_being_retried(shop: House) -> None:
    shop.runtime = FakeRuntime(DENIAL)
    answered = shop.post("/snowflake/recommend", batch_of(["u1", 1, None]))
    assert answered.status == 400
    assert "AccessDeniedException" in answered.error["message"]
    assert "arn:" not in answered.error["message"]
    assert len(shop.runtime.calls) == 1


def test_a_null_option_does_not_override_the_header(shop: House) -> None:
    shop.serve(group="books")
    (value,) = values(shop, ["u1", 1, {"group": None}], headers={"sf-custom-group": "books"})
    assert value["group"] == "books"


def test_the_same_batch_twice_gives_the_same_bytes(shop: House) -> None:
    assert shop.deliver(FROM_SNOWFLAKE).text == shop.deliver(FROM_SNOWFLAKE).text


def test_polling_an_unknown_batch_is_answered_at_once(shop: House) -> None:
    polled = proxy_event("GET", "/snowflake/recommend", headers=FROM_SNOWFLAKE["headers"])
    assert shop.deliver(polled).status == 404
    assert shop.get("/snowflake/recommend").status == 404
    assert shop.get("/snowflake/nope").status == 400


rows_of_any_kind: st.SearchStrategy[list[tuple[Any, ...]]] = st.lists(
    st.tuples(
        st.one_of(
            st.none(),
            st.integers(0, 3),
            st.sampled_from(["1", "a", ""]),
            st.booleans(),
            st.just([]),
        ),
        st.one_of(st.none(), st.integers(-1, 3), st.just("x")),
        st.sampled_from(
            [None, {}, {"filter": "not-purchased"}, {"filter": "nope"}, {"metadata": False}]
        ),
    ),
    max_size=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=rows_of_any_kind, data=st.data())
def test_a_rows_value_does_not_depend_on_its_batch(
    shop: House, rows: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    whole = values(shop, *rows)
    order = data.draw(st.permutations(range(len(rows))))
    cut = data.draw(st.integers(0, len(rows)))
    for part in (order[:cut], order[cut:]):
        assert values(shop, *[rows[number] for number in part]) == [
            whole[number] for number in part
        ]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "x"]), inner),
        ).map(json.dumps),
        st.lists(st.lists(st.integers() | st.text() | st.none() | st.floats(), max_size=5)).map(
            lambda rows: json.dumps({"data": rows}),
        ),
    ),
    function=st.sampled_from(["recommend", "similar", "rank", "popular", "nope"]),
)
def test_no_body_gives_a_server_error(shop: House, body: str, function: str) -> None:
    answered = shop.post(f"/snowflake/{function}", body)
    assert answered.status in (200, 400, 413)
    assert isinstance(answered.json, dict)


class StalledRuntime(FakeRuntime):
    """Answers when released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def get_recommendations(self, **arguments: Any) -> Mapping[str, Any]:
        self.released.wait(10)
        return super().get_recommendations(**arguments)


def test_a_stalled_campaign_ends_at_the_deadline_not_at_its_own_time(shop: House) -> None:
    runtime = StalledRuntime()
    shop.runtime = runtime
    shop.api = replace(shop.api, seconds=0.05)
    try:
        answered = shop.post(
            "/snowflake/recommend", batch_of(*[[f"u{n}", 1, None] for n in range(100)])
        )
    finally:
        runtime.released.set()
    assert answered.status == 503
    assert answered.error["message"] == "The campaign did not answer all rows in time."
    assert len(runtime.calls) <= 32


def test_a_batch_sent_again_goes_on_where_it_was(shop: House) -> None:
    rows = [[f"u{n}", 1, None] for n in range(40)]
    shop.runtime = FakeRuntime(*[None] * 30, THROTTLE)
    assert shop.post("/snowflake/recommend", batch_of(*rows)).status == 429
    shop.runtime = FakeRuntime()
    assert shop.post("/snowflake/recommend", batch_of(*rows)).status == 200
    assert len(shop.runtime.calls) == 10


class LimitedRuntime(FakeRuntime):
    """Takes so many calls a second of real time, a tenth of a second's worth at once."""

    def __init__(self, per_second: float) -> None:
        super().__init__()
        self.per_second = per_second
        self.tokens, self.seen_at, self.lock = per_second / 10, time.monotonic(), threading.Lock()

    def get_recommendations(self, **arguments: Any) -> Mapping[str, Any]:
        with self.lock:
            now = time.monotonic()
            self.tokens = min(
                self.per_second / 10, self.tokens + (now - self.seen_at) * self.per_second
            )
            self.seen_at = now
            if self.tokens < 1:
                raise THROTTLE
            self.tokens -= 1
        return super().get_recommendations(**arguments)


def test_many_batches_at_once_share_a_limited_campaign_and_all_complete(shop: House) -> None:
    shop.runtime = LimitedRuntime(per_second=1_000)
    recommender = replace(shop.api.recommender, clock=time.monotonic)
    batches = Batches.over(recommender, time.monotonic, time.sleep)

    def run(sender: int) -> int:
        body = json.dumps(
            batch_of(*[[f"u{sender}-{n}", 1, {"metadata": False}] for n in range(64)])
        ).encode()
        while True:  # Snowflake sends again what was answered with 429
            with suppress(Throttled):
                return len(
                    batches.run("recommend", body, {}, Deadline.after(20, time.monotonic))["data"]
                )

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(run, range(8))) == [64] * 8
    assert batches.caller.has_throttled


def test_values_that_do_not_fit_in_an_answer_say_so_and_the_others_stay(shop: House) -> None:
    found = values(shop, *[[f"{n:03}{'u' * 253}", 100, {"metadata": False}] for n in range(300)])
    too_large = {
        "error": {"code": "TooLarge", "message": "The answer is too large. Lower MAX_BATCH_ROWS."}
    }
    assert found[0]["items"]
    assert found[-1] == too_large
    assert all("items" in value or value == too_large for value in found)


def test_ten_thousand_rows_are_answered(shop: House) -> None:
    found = values(shop, *[[n % 100, 1, None] for n in range(10_000)])
    assert len(found) == 10_000
    assert len(shop.runtime.calls) == 100
