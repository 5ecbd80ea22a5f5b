"""The edge: whatever comes in, JSON with an honest status goes out, and never a trace."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.api import http
from chalicelib.api.request import Call
from chalicelib.errors import (
    AccessDenied,
    AwsError,
    ConfigurationError,
    DocumentUnreadable,
    Missing,
    Refused,
    ServiceUnavailable,
    Throttled,
)
from chalicelib.serving.errors import TooManyRequests
from chalicelib.serving.options import parse_options
from chalicelib.telemetry import logger
from tests.chalicelib.house import FakeRuntime, House, proxy_event

TRACES = ("Traceback", 'File "', "line ", ".py")


def test_a_path_that_is_not_utf8_is_refused(shop: House) -> None:
    assert shop.get("/recommendations/%FF").status == 400


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
        path = "/recommendations/secret"
        query_params = None
        context: Mapping[str, Any] = {
            "requestId": "request-1",
            "resourcePath": "/recommendations/{user}",
        }
        raw_body = b""

    request = Request()
    request.headers = dict(headers or {})  # type: ignore[attr-defined]
    return request


def answer(handler: Callable[[Call], object], headers: Mapping[str, str] | None = None) -> Any:
    """The response of a route that is `handler`."""
    api: Any = None
    return http.answer(make_call(headers), lambda _api: handler, api=lambda: api)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Throttled("ThrottlingException", "x"), 429),
        (Refused("InvalidInputException", "x"), 400),
        (Missing("ResourceNotFoundException", "x"), 503),
        (ServiceUnavailable("InternalFailure", "x"), 503),
        (AccessDenied("AccessDeniedException", "x"), 503),
        (AwsError("WhateverException", "x"), 503),
        (TooManyRequests("slow down", retry_after=7), 429),
    ],
)
def test_errors_become_their_status(error: Exception, status: int) -> None:
    def handler(call: Call) -> object:
        raise error

    response = answer(handler)
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
    response = answer(handler, headers)
    assert response.status_code == 500
    assert "secret" not in response.body
    assert not any(trace in response.body for trace in TRACES)
    record, _answered = caplog.records
    fields = vars(record)
    assert (fields["error"], fields["query_id"], fields["batch_id"]) == ("KeyError", "q1", "b1")
    assert "secret" not in str(fields)


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("Environment variable TABLE_NAME is not set."),
        DocumentUnreadable("run#1 run cannot be read as RunRecord: TABLE_NAME"),
    ],
)
def test_a_deployment_that_is_not_complete_is_named_in_the_log_and_not_in_the_answer(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(call: Call) -> object:
        raise error

    response = answer(handler)
    assert (response.status_code, json.loads(response.body)["error"]["code"]) == (500, "Failed")
    assert "TABLE_NAME" not in response.body
    record, _answered = caplog.records
    assert "TABLE_NAME" in vars(record)["reason"]


def test_an_api_that_cannot_be_opened_is_answered_like_any_other_failure() -> None:
    def open_api() -> Any:
        raise ConfigurationError("Environment variable TABLE_NAME is not set.")

    response = http.answer(make_call(), lambda api: api.health, api=open_api)
    assert response.status_code == 500
    assert set(json.loads(response.body)) == {"error"}


def test_a_refusal_is_logged_by_its_code_without_what_the_caller_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger.name)
    answer(lambda call: parse_options({"numResults": "secret"}))
    (record,) = caplog.records
    fields = vars(record)
    assert (fields["route"], fields["status"], fields["code"]) == (
        "/recommendations/{user}",
        400,
        "BadRequest",
    )
    assert "secret" not in str(fields)


def test_every_request_leaves_a_line_that_names_the_route_and_nobody(
    shop: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger.name)
    shop.get("/recommendations/secret?userId=secret")
    shop.get("/recommendations/secret")
    shop.get("/similar/secret?userId=secret")
    shop.post("/rank", {"userId": "secret", "items": ["secret"]})
    shop.post("/events", {"userId": "secret", "eventType": "secret", "itemId": "secret"})
    shop.post("/events", {"userId": "secret"})
    shop.post("/segment", {"type": "track", "userId": "secret"})
    shop.post("/snowflake/recommend", {"data": [[0, "secret"]]})
    shop.get("/runs/secret")
    lines = [vars(record) for record in caplog.records if record.getMessage() == "answered"]
    assert [line["route"] for line in lines] == [
        "/recommendations/{user}",
        "/recommendations/{user}",
        "/similar/{item}",
        "/rank",
        "/events",
        "/events",
        "/segment",
        "/snowflake/{function}",
        "/runs/{run}",
    ]
    assert not any("secret" in str(vars(record)) for record in caplog.records)


def test_an_answer_that_lambda_could_not_carry_is_an_error() -> None:
    response = answer(lambda call: "x" * 6_000_000)
    assert response.status_code == 500
    assert "larger than" in response.body
