"""Which key opens which route, and which web page may read an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app import app
from chalicelib.api import access
from chalicelib.api.request import Call
from chalicelib.errors import ConfigurationError
from chalicelib.serving.errors import Forbidden
from chalicelib.settings import Settings
from tests.chalicelib.house import API_SETTINGS, READ_KEY, SHOP_PAGE, WRITE_KEY, House, proxy_event

READING = [
    ("GET", "/recommendations/u1", None),
    ("GET", "/similar/tea", None),
    ("POST", "/rank", {"userId": "u1", "items": ["tea"]}),
    ("GET", "/popular", None),
    ("GET", "/trending", None),
    ("GET", "/actions/u1", None),
    ("GET", "/segments/tea", None),
]
WRITING = [
    ("POST", "/events", {"userId": "u1", "eventType": "view", "itemId": "tea"}),
    ("POST", "/segment", {"type": "identify"}),
]
FOR_PAGES = [
    "/recommendations/u1",
    "/similar/tea",
    "/rank",
    "/popular",
    "/trending",
    "/actions/u1",
    "/segments/tea",
    "/events",
]


def event(method: str, path: str, body: Any, key: str | None) -> dict[str, Any]:
    made = proxy_event(method, path, None if body is None else json.dumps(body))
    made["requestContext"]["identity"]["apiKeyId"] = key
    return made


def test_the_routes_with_a_key_are_those_that_are_tested_here() -> None:
    keyed = {
        path for path, entries in app.routes.items() for e in entries.values() if e.api_key_required
    }
    assert keyed == {proxy_event(m, path)["resource"] for m, path, _ in READING + WRITING}


@pytest.mark.parametrize(
    ("requests", "right", "wrong", "name"),
    [(READING, READ_KEY, WRITE_KEY, "read"), (WRITING, WRITE_KEY, READ_KEY, "write")],
)
def test_one_key_reads_and_another_writes(
    shop: House, requests: list[Any], right: str, wrong: str, name: str
) -> None:
    for method, path, body in requests:
        # The shop has neither actions nor segments: 409 says so.
        assert shop.deliver(event(method, path, body, right)).status in (200, 409)
        for key in (wrong, None, "", "another"):
            refused = shop.deliver(event(method, path, body, key))
            assert (refused.status, refused.error["code"]) == (403, "Forbidden")
            assert f"the {name} key" in refused.error["message"]


def test_app_asks_for_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READ_KEY_ID", READ_KEY)
    monkeypatch.setenv("WRITE_KEY_ID", WRITE_KEY)
    for requests, wrong in ((READING, WRITE_KEY), (WRITING, READ_KEY)):
        for method, path, body in requests:
            assert app(event(method, path, body, wrong), None)["statusCode"] == 403


def test_a_deployment_without_keys_lets_nobody_in() -> None:
    call: Any = Call(request_of({}))
    with pytest.raises(ConfigurationError, match="READ_KEY_ID"):
        access.check_key(call, "read", Settings({}))
    with pytest.raises(ConfigurationError, match="WRITE_KEY_ID"):
        access.check_key(call, "write", Settings({}))


def request_of(headers: dict[str, str]) -> Any:
    class Request:
        method = "GET"
        query_params = None
        raw_body = b""

    request: Any = Request()
    request.headers, request.context = headers, {"identity": None}
    return request


@pytest.mark.parametrize("path", FOR_PAGES)
def test_a_listed_page_may_ask_before_it_sends_and_needs_no_key_for_that(
    shop: House, path: str
) -> None:
    made = proxy_event("OPTIONS", path, headers={"Origin": SHOP_PAGE})
    made["requestContext"]["identity"]["apiKeyId"] = None
    answered = shop.deliver(made)
    assert (answered.status, answered.text) == (204, "")
    assert answered.headers["Access-Control-Allow-Origin"] == SHOP_PAGE
    assert "X-Api-Key" in answered.headers["Access-Control-Allow-Headers"]
    assert answered.headers["Vary"] == "Origin"


def test_app_answers_the_preflight_of_each_route_for_pages_and_wants_no_key() -> None:
    entries = {path: found["OPTIONS"] for path, found in app.routes.items() if "OPTIONS" in found}
    assert entries.keys() == {proxy_event("OPTIONS", path)["resource"] for path in FOR_PAGES}
    assert not any(entry.api_key_required or entry.authorizer for entry in entries.values())


@pytest.mark.parametrize("origin", ["https://evil.example", f"{SHOP_PAGE}.evil", "null", "*", None])
def test_no_other_page_may(shop: House, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    asked = shop.send("OPTIONS", "/rank", headers=headers)
    assert (asked.status, asked.error["code"]) == (403, "Forbidden")
    read = shop.get("/recommendations/u1", headers)
    assert read.status == 200
    for answered in (asked, read):
        assert "Access-Control-Allow-Origin" not in answered.headers


def test_a_listed_page_may_read_answers_and_errors(shop: House) -> None:
    for path, status in (("/popular", 200), ("/popular?numResults=abc", 400)):
        answered = shop.get(path, {"origin": SHOP_PAGE})
        assert answered.status == status
        assert answered.headers["Access-Control-Allow-Origin"] == SHOP_PAGE


def test_without_the_parameter_no_page_may() -> None:
    call = Call(request_of({"origin": "https://shop.example"}))
    assert access.cors_headers(call, Settings({"CORS_ORIGINS": ""})) == {"Vary": "Origin"}
    with pytest.raises(Forbidden, match="CorsOrigins"):
        access.preflight(call, Settings({}))
    assert access.is_allowed(call, API_SETTINGS)
