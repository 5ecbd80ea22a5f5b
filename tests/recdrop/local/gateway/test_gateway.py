"""The API port: what a client and the application see of API Gateway."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from recdrop.local.lambdas.faults import Fault
from recdrop.local.stack import Stack
from tests.recdrop.conftest import fetch

SCOPE = "AKIDEXAMPLE/20260101/us-east-1/execute-api/aws4_request"
SIGNATURE = f"AWS4-HMAC-SHA256 Credential={SCOPE}, Signature=00"


MISSING = {"message": "Missing Authentication Token"}


def get(stack: Stack, path: str, **headers: str) -> tuple[int, Any]:
    """Status and JSON of a path."""
    status, _, body = fetch(stack.api_url + path, None, None, **headers)
    return status, json.loads(body)


def test_path_parameters_are_decoded_once_and_slashes_stay_in_them(stack: Stack) -> None:
    status, seen = get(stack, "/hello/a%20b%2Fc%2525?x=1&x=%C3%BC")
    assert status == 200
    assert seen["name"] == "a b/c%25"
    assert seen["query"] == {"x": "ü"}
    assert (seen["stage"], seen["path"]) == ("api", "/api/hello/a b/c%25")


def test_unsigned_calls_of_iam_routes_are_refused(stack: Stack) -> None:
    assert get(stack, "/admin") == (403, MISSING)
    assert get(stack, "/admin", Authorization=SIGNATURE) == (200, {"caller": "AKIDEXAMPLE"})


def test_unknown_paths_and_methods_look_like_api_gateways(stack: Stack) -> None:
    assert get(stack, "/nope") == (403, MISSING)
    status, _, body = fetch(stack.api_url + "/hello/x", b"", method="DELETE")
    assert (status, json.loads(body)) == (403, MISSING)


def test_text_bodies_arrive_as_text_and_binary_ones_whole(stack: Stack) -> None:
    text = fetch(stack.api_url + "/echo", '"ü"'.encode(), Content_Type="application/json")
    assert json.loads(text[2])["length"] == 4
    binary = fetch(
        stack.api_url + "/echo", bytes(range(256)), Content_Type="application/octet-stream"
    )
    assert json.loads(binary[2])["length"] == 256


def test_binary_answers_need_a_matching_accept_header(stack: Stack) -> None:
    status, headers, body = fetch(stack.api_url + "/picture", Accept="image/png")
    assert (status, body, headers["Content-Type"]) == (200, b"\x89PNG", "image/png")
    assert fetch(stack.api_url + "/picture", Accept="text/html")[0] == 400


def test_a_body_the_application_gzipped_stays_gzipped(stack: Stack) -> None:
    _, headers, body = fetch(stack.api_url + "/packed", Accept="image/png")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == b'{"packed": true}'


def test_answers_above_six_megabytes_are_a_bad_gateway(stack: Stack) -> None:
    assert get(stack, "/big") == (502, {"message": "Internal server error"})


def test_requests_above_ten_megabytes_are_refused(stack: Stack) -> None:
    body = b"x" * (10 * 1024 * 1024 + 1)
    assert fetch(stack.api_url + "/echo", body, Content_Type="application/json")[0] == 413


def test_a_broken_route_shows_no_trace(stack: Stack) -> None:
    status, _, body = fetch(stack.api_url + "/broken")
    assert status == 500
    assert b"must not reach" not in body


@pytest.mark.parametrize(("error", "status"), [("Sandbox.Timedout", 504), ("Lambda.Unknown", 502)])
def test_a_killed_function_is_a_gateway_error(stack: Stack, error: str, status: int) -> None:
    stack.lambdas.faults.add(Fault("APIHandler", "before", error))
    assert get(stack, "/hello/x")[0] == status


def test_a_throttled_function_is_429(stack: Stack) -> None:
    stack.lambdas.faults.add(Fault("APIHandler", "throttle"))
    assert get(stack, "/hello/x")[0] == 429


def test_cors_preflights_are_answered_by_the_gateway(stack: Stack) -> None:
    status, headers, _ = fetch(stack.api_url + "/cors", method="OPTIONS")
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_a_connection_serves_many_requests(stack: Stack) -> None:
    from http.client import HTTPConnection

    connection = HTTPConnection(stack.api_url.removeprefix("http://"))
    for path, body in (("/nope", b"unread" * 1000), ("/hello/x", None)):
        connection.request("POST" if body else "GET", path, body)
        answer = connection.getresponse()
        answer.read()
        assert not answer.will_close
    connection.close()
    assert answer.status == 200
