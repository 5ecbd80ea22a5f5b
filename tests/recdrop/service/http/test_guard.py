"""What web pages may send to a port of this machine: nothing, unless the port is told otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from recdrop.service.http.guard import Guard
from recdrop.service.http.httpserver import listen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

SHOP = "https://shop.example"
FORM = "application/x-www-form-urlencoded"


def application(_environ: Any, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    return [b"done"]


def check(method: str = "GET", port: int = 8000, **environ: Any) -> str | None:
    guard = Guard(application, port, lambda: [SHOP])
    refusal = guard.check({"REQUEST_METHOD": method, "HTTP_HOST": f"localhost:{port}", **environ})
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:8000", None),
        ("localhost:8000", None),
        ("LOCALHOST:8000", None),
        ("[::1]:8000", None),
        ("127.0.0.1:8001", "WrongHost"),
        ("127.0.0.1", "WrongHost"),
        ("rebound.example:8000", "WrongHost"),
        ("127.0.0.1:8000.rebound.example", "WrongHost"),
        ("bucket.localhost:8000", "WrongHost"),
        ("127.0.0.1:8000,rebound.example", "WrongHost"),
        ("", "WrongHost"),
    ],
)
def test_a_request_names_this_machine_and_this_port(host: str, code: str | None) -> None:
    assert check(HTTP_HOST=host) == code


def test_on_port_80_the_port_may_be_left_out() -> None:
    assert check(port=80, HTTP_HOST="localhost") is None


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("http://127.0.0.1:8000", None),
        (SHOP, None),
        ("https://shop.example.evil.example", "ForeignOrigin"),
        ("http://shop.example", "ForeignOrigin"),
        ("http://127.0.0.1:3000", "ForeignOrigin"),
        ("https://127.0.0.1:8000", "ForeignOrigin"),
        ("null", "ForeignOrigin"),
        ("", "ForeignOrigin"),
    ],
)
def test_a_page_may_use_the_port_that_served_it_and_one_that_is_allowed_may(
    origin: str, code: str | None
) -> None:
    for method in ("GET", "POST", "OPTIONS", "DELETE"):
        assert check(method, HTTP_ORIGIN=origin) == code


@pytest.mark.parametrize(
    ("site", "code"),
    [("cross-site", "ForeignOrigin"), ("same-site", "ForeignOrigin"), ("same-origin", None)],
)
def test_an_image_or_a_link_of_elsewhere_names_no_origin_and_is_refused(
    site: str, code: str | None
) -> None:
    assert check(HTTP_SEC_FETCH_SITE=site) == code
    assert check(HTTP_SEC_FETCH_SITE=site, HTTP_ORIGIN=SHOP) is None


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        (FORM, "SimpleContentType"),
        (f"{FORM}; charset=utf-8", "SimpleContentType"),
        ("Multipart/Form-Data; boundary=x", "SimpleContentType"),
        ("text/plain", "SimpleContentType"),
        ("", "SimpleContentType"),
        ("application/json", None),
        ("application/x-amz-json-1.0", None),
    ],
)
def test_a_body_that_a_form_could_send_needs_what_a_form_cannot_send(
    content_type: str, code: str | None
) -> None:
    sent: dict[str, Any] = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": "2"}
    assert check("POST", **sent) == code
    for header in ("HTTP_AUTHORIZATION", "HTTP_X_AMZ_TARGET", "HTTP_X_API_KEY"):
        assert check("POST", **{**sent, header: "any"}) is None
    assert check("POST", **sent, HTTP_ORIGIN=SHOP) is None
    assert check("PUT", **sent) is None


def test_a_post_of_nothing_is_no_form_and_a_chunked_one_may_be() -> None:
    assert check("POST") is None
    assert check("POST", HTTP_TRANSFER_ENCODING="chunked") == "SimpleContentType"


@pytest.fixture
def address() -> Iterator[str]:
    server = listen(0, application, "PORT")
    server.start()
    yield server.url.removeprefix("http://")
    server.stop()


def test_every_server_of_ours_is_guarded_and_goes_on_after_a_refusal(address: str) -> None:
    connection = HTTPConnection(address)
    for headers, status in (
        ({"Host": "rebound.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json"}, 200),
    ):
        connection.request("POST", "/any", b"x" * 100_000, headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == status
        assert status == 200 or set(json.loads(body)["error"]) == {"code", "message"}
    connection.request("HEAD", "/any", headers={"Host": "rebound.example"})
    refused = connection.getresponse()
    assert (refused.status, refused.read()) == (421, b"")
    connection.close()
