"""The edge: whatever comes in, JSON with an honest status goes out, and never a trace."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chalicelib.serving import http
from chalicelib.serving.errors import TooManyRequests
from chalicelib.serving.options import parse_options
from chalicelib.serving.request import Call
from chalicelib.serving.runtime import Broken, Missing, Refused, Throttled
from chalicelib.telemetry import logger
from tests.chalicelib.house import EVENTS, FakeRuntime, House, encode, proxy_event

TRACES = ("Traceback", 'File "', "line ", ".py")


def test_the_event_that_api_gateway_sends_is_answered(shop: House) -> None:
    answered = shop.deliver(json.loads((EVENTS / "api_gateway_get.json").read_text()))
    assert answered.items == ["Zoë/1-0", "Zoë/1-1"]
    assert shop.runtime.calls[-1]["context"] == {"DEVICE": "phone"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("numResults=abc", "numResults has value 'abc'. Expected a whole number from 1 to 500."),
        ("numResults=", "numResults has value ''. Expected a whole number from 1 to 500."),
        ("numResults=0", "numResults has value '0'. Expected a whole number from 1 to 500."),
        ("numResults=501", "numResults has value '501'. Expected a whole number from 1 to 500."),
        ("numResults=-5", "numResults has value '-5'. Expected a whole number from 1 to 500."),
        ("numResults=5.0", "numResults has value '5.0'. Expected a whole number from 1 to 500."),
        (
            "numResults=%D9%A3",
            r"numResults has value '\u0663'. Expected a whole number from 1 to 500.",
        ),
        (
            "numresults=5",
            "Unknown parameter 'numresults'. Expected one of: context, filter, filterValues, group, metadata, ",
        ),
        ("metadata=1", "metadata has value '1'. Expected one of: true, false."),
        ("group=", "group has value ''. Expected a name."),
        ("filterValues={}", None),
        (
            'filterValues={"A":"b"}',
            "filterValues is given without filter. Expected the name of the filter",
        ),
        (
            "filter=not-purchased&filterValues=[]",
            "filterValues has a value of type array. Expected a JSON object of names",
        ),
        ("filter=not-purchased&filterValues={", "filterValues is not valid JSON"),
        (
            'filter=not-purchased&filterValues={"A":null}',
            "filterValues.A has a value of type null. Expected text, a number",
        ),
        (
            'filter=not-purchased&filterValues={"A":[]}',
            "filterValues.A is an empty list. Expected at least one value.",
        ),
        (
            'filter=not-purchased&filterValues={"A":[["b"]]}',
            "filterValues.A holds a list in a list.",
        ),
        (
            'filter=not-purchased&filterValues={"A b":"c"}',
            "filterValues has the key 'A b'. Expected letters, digits",
        ),
        ("context={}", None),
        ('context={"A":{}}', "context.A has a value of type object. Expected text or a number."),
        (
            "context=7",
            "context has a value of type number. Expected a JSON object of names and values.",
        ),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value_and_what_was_expected(
    standing_shop: House,
    query: str,
    message: str | None,
) -> None:
    answered = standing_shop.get(f"/recommendations/u1?{query}")
    if message is None:
        assert answered.status == 200
        return
    assert answered.status == 400
    assert answered.error["code"] == "BadRequest"
    assert answered.error["message"].startswith(message)


def test_limits_of_the_service_are_checked_before_it_is_asked(shop: House) -> None:
    many = encode(json.dumps({f"A{number}": "b" for number in range(26)}))
    long = encode(json.dumps({"A": "b" * 1_001}))
    name = encode(json.dumps({"A" * 51: "b"}))
    for values in (many, long, name):
        assert (
            shop.get(f"/recommendations/u1?filter=not-purchased&filterValues={values}").status
            == 400
        )
    assert shop.get(f"/recommendations/{'u' * 257}").status == 400
    assert shop.runtime.calls == []


@pytest.mark.parametrize("value", ['x" OR ITEM.ID = "y', '"', "a\\", '"a" OR "b"', '"a",'])
def test_a_filter_value_cannot_leave_its_quotes(standing_shop: House, value: str) -> None:
    answered = standing_shop.get(
        f"/recommendations/u1?filter=not-purchased&filterValues={encode(json.dumps({'A': value}))}"
    )
    assert answered.status == 400
    assert "double quote or a backslash" in answered.error["message"]


def test_values_quoted_as_personalize_documents_them_are_taken(shop: House) -> None:
    values = encode(json.dumps({"A": '"horror","comedy"'}))
    shop.get(f"/recommendations/u1?filter=not-purchased&filterValues={values}")
    assert shop.runtime.calls[-1]["filterValues"] == {"A": '"horror","comedy"'}


def test_a_path_that_is_not_utf8_is_refused(shop: House) -> None:
    assert shop.get("/recommendations/%FF").status == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "The body is empty. Expected JSON."),
        ("{", "The body is not valid JSON"),
        ("[]", "The body is of type array. Expected a JSON object."),
        ("null", "The body is of type null. Expected a JSON object."),
        ("[" * 200_000, "The body is nested too deeply."),
        ('{"userId":"u","items":NaN}', "The body is not valid JSON"),
        ('{"userId":"u"}', "items has a value of type null. Expected an array of item ids."),
        (
            '{"userId":"u","items":"a"}',
            "items has a value of type string. Expected an array of item ids.",
        ),
        ('{"userId":"u","items":[]}', "items has 0 entries. Expected 1 to 500."),
        (
            '{"userId":"u","items":[null]}',
            "items[0] has a value of type null. Expected a string or a whole number.",
        ),
        (
            '{"items":["a"]}',
            "userId has a value of type null. Expected a string or a whole number.",
        ),
        (
            '{"userId":"u","items":["a"],"numResults":3}',
            "Unknown parameter 'numResults'. Expected one of: context, filter,",
        ),
        (
            json.dumps({"userId": "u", "items": ["a"] * 501}),
            "items has 501 entries. Expected 1 to 500.",
        ),
    ],
)
def test_a_wrong_ranking_body_is_refused(standing_shop: House, body: str, message: str) -> None:
    answered = standing_shop.post("/rank", body)
    assert answered.status == 400
    assert answered.error["message"].startswith(message)


def test_bodies_are_read_whatever_their_type_and_encoding(shop: House) -> None:
    body = b'{"userId":"u1","items":["tea"]}'
    for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded", ""):
        assert shop.post("/rank", body.decode(), {"Content-Type": content_type}).items == ["tea"]
    for raw in (body, gzip.compress(body)):
        event = proxy_event("POST", "/rank", base64.b64encode(raw).decode())
        assert shop.deliver({**event, "isBase64Encoded": True}).items == ["tea"]


def test_a_body_above_a_megabyte_is_too_large(shop: House) -> None:
    answered = shop.post("/rank", json.dumps({"userId": "u", "items": ["x" * 1_000_001]}))
    assert (answered.status, answered.error["code"]) == (413, "TooLarge")


def test_a_score_that_json_cannot_hold_becomes_null(shop: House) -> None:
    shop.runtime = FakeRuntime(
        {"itemList": [{"itemId": "tea", "score": float("nan")}], "recommendationId": "r"}
    )
    assert shop.get("/recommendations/u1").json["items"] == [{"itemId": "tea", "score": None}]


def make_call(headers: Mapping[str, str] | None = None) -> Any:
    class Request:
        method = "GET"
        path = "/recommendations/{user}"
        query_params = None
        context: Mapping[str, Any] = {"requestId": "request-1"}
        raw_body = b""

    request = Request()
    request.headers = dict(headers or {})  # type: ignore[attr-defined]
    return request


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Throttled("ThrottlingException", "x"), 429),
        (Refused("InvalidInputException", "x"), 400),
        (Missing("ResourceNotFoundException", "x"), 503),
        (Broken("InternalFailure", "x"), 503),
        (TooManyRequests("slow down", retry_after=7), 429),
    ],
)
def test_errors_become_their_status(error: Exception, status: int) -> None:
    def handler(call: Call) -> object:
        raise error

    response = http.answer(make_call(), handler)
    assert response.status_code == status
    assert set(json.loads(response.body)) == {"error"}


def test_a_bug_is_a_500_without_trace_and_its_log_holds_ids_of_the_request_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def handler(call: Call) -> object:
        message = "secret user u1"
        raise KeyError(message)

    headers = {
        "sf-external-function-current-query-id": "q1",
        "sf-external-function-query-batch-id": "b1",
    }
    response = http.answer(make_call(headers), handler)
    assert response.status_code == 500
    assert "secret" not in response.body
    assert not any(trace in response.body for trace in TRACES)
    (record,) = caplog.records
    fields = vars(record)
    assert (fields["error"], fields["query_id"], fields["batch_id"]) == ("KeyError", "q1", "b1")
    assert "secret" not in str(fields)


def test_a_refusal_is_logged_by_its_code_without_what_the_caller_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger.name)
    http.answer(make_call(), lambda call: parse_options({"numResults": "secret"}))
    (record,) = caplog.records
    fields = vars(record)
    assert (fields["route"], fields["status"], fields["code"]) == (
        "/recommendations/{user}",
        400,
        "BadRequest",
    )
    assert "secret" not in str(fields)


def test_an_answer_that_lambda_could_not_carry_is_an_error() -> None:
    response = http.answer(make_call(), lambda call: "x" * 6_000_000)
    assert response.status_code == 500
    assert "larger than" in response.body


segments = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
queries = st.dictionaries(
    st.one_of(
        st.sampled_from(
            [
                "numResults",
                "filter",
                "filterValues",
                "context",
                "group",
                "solution",
                "metadata",
                "userId",
            ]
        ),
        segments,
    ),
    st.one_of(
        segments,
        st.sampled_from(["5", "{}", '{"A":1}', "true", "not-purchased", "shop", "for-you", "null"]),
    ),
    max_size=5,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    route=st.sampled_from(["recommendations", "similar", "runs", "popular"]),
    segment=segments,
    query=queries,
)
@example(route="recommendations", segment="%FF", query={})
@example(route="recommendations", segment="\r\nSet-Cookie: a=b", query={"group": "\r\nX: y"})
def test_no_get_gives_a_server_error(
    shop: House, route: str, segment: str, query: dict[str, str]
) -> None:
    path = f"/{route}" if route == "popular" else f"/{route}/{encode(segment)}"
    answered = shop.get(
        path + "?" + "&".join(f"{encode(name)}={encode(value)}" for name, value in query.items())
    )
    assert answered.status in (200, 400, 404)
    assert isinstance(answered.json, dict)
    assert not any("\r" in value or "\n" in value for value in answered.headers.values())


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
known_keys = [
    "userId",
    "items",
    "events",
    "eventType",
    "itemId",
    "sessionId",
    "sentAt",
    "properties",
    "impression",
]
bodies = st.one_of(
    st.text(),
    json_values.map(json.dumps),
    st.dictionaries(
        st.sampled_from([*known_keys, "group", "batch", "type", "event", "numResults"]), json_values
    ).map(
        json.dumps,
    ),
    st.fixed_dictionaries({"userId": st.text(), "eventType": st.text(), "sentAt": json_values}).map(
        json.dumps
    ),
    st.fixed_dictionaries({"userId": st.integers(), "items": st.lists(st.text())}).map(json.dumps),
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(route=st.sampled_from(["rank", "events", "segment"]), body=bodies)
def test_no_post_gives_a_server_error(shop: House, route: str, body: str) -> None:
    answered = shop.post(f"/{route}", body)
    assert answered.status in (200, 400, 404, 413)
    assert isinstance(answered.json, dict)
