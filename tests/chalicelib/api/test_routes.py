"""The routes: those of app.py are those that the tests drive, and no request is a server error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from chalice import Chalice
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app import app
from chalicelib.api.http import open_api
from chalicelib.context import open_context
from tests.chalicelib.house import (
    EVENTS,
    READ_KEY,
    WRITE_KEY,
    Answered,
    House,
    encode,
    make_app,
    proxy_event,
)

VARIABLES = (
    "DROP_BUCKET",
    "PERSONALIZE_ROLE_ARN",
    "QUEUE_URL",
    "READ_KEY_ID",
    "STATE_MACHINE_ARN",
    "TABLE_NAME",
    "TOPIC_ARN",
    "WORK_BUCKET",
    "WRITE_KEY_ID",
)


def methods_of(routes: Chalice) -> dict[str, set[str]]:
    return {path: set(entries) for path, entries in routes.routes.items()}


def test_app_has_the_routes_that_are_tested(house: House) -> None:
    assert methods_of(app) == methods_of(make_app(lambda: house.api))


def test_every_posted_body_is_ours_to_read_whatever_its_type() -> None:
    posted = [entries["POST"] for entries in app.routes.values() if "POST" in entries]
    assert all(entry.content_types == ["*/*"] for entry in posted)


EVENT = {"userId": "u1", "eventType": "view", "itemId": "tea"}
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/recommendations/u1", None),
    ("GET", "/similar/tea", None),
    ("POST", "/rank", {"userId": "u1", "items": ["tea"]}),
    ("GET", "/popular", None),
    ("GET", "/trending", None),
    ("GET", "/actions/u1", None),
    ("GET", "/segments/tea", None),
    ("POST", "/events", EVENT),
    ("POST", "/segment", {"type": "identify"}),
    ("POST", "/snowflake/recommend", {"data": [[0, "u1"]]}),
    ("GET", "/snowflake/recommend", None),
    ("GET", "/runs/run1", None),
    ("GET", "/status", None),
    ("GET", "/health", None),
]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The app as in a process whose environment holds nothing of the template."""
    for name in (*VARIABLES, "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    _forget_process()
    yield monkeypatch
    _forget_process()


def _forget_process() -> None:
    open_api.cache_clear()
    open_context.cache_clear()


def send(method: str, path: str, body: Any = None) -> Answered:
    """What app.py's own app answers."""
    text = None if body is None else json.dumps(body)
    return Answered.from_lambda(app(proxy_event(method, path, text), None))


def test_the_requests_are_of_all_routes() -> None:
    sent = {(method, proxy_event(method, path)["resource"]) for method, path, _ in REQUESTS}
    assert sent == {
        (method, path)
        for path, methods in methods_of(app).items()
        for method in methods - {"OPTIONS"}
    }


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_without_the_tables_name_every_route_fails_in_our_format_and_the_log_says_why(
    fresh: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: str, path: str, body: Any
) -> None:
    fresh.setenv("READ_KEY_ID", READ_KEY)
    fresh.setenv("WRITE_KEY_ID", WRITE_KEY)
    answered = send(method, path, body)
    assert answered.status == 500
    assert set(answered.json) == {"error"}
    assert answered.error["code"] == "Failed"
    assert "TABLE_NAME" not in answered.text
    reasons = [record.reason for record in caplog.records if hasattr(record, "reason")]
    assert "TABLE_NAME" in reasons[-1]


def test_the_api_needs_three_variables_and_finds_them_when_they_come(
    fresh: pytest.MonkeyPatch, house: House
) -> None:
    house.serve(campaign_arn=None)
    house.serve_popular("tea")
    assert send("GET", "/health").status == 500
    fresh.setenv("TABLE_NAME", house.table.name)
    fresh.setenv("WORK_BUCKET", "work")
    assert send("GET", "/health").json["status"] == "ok"
    assert send("GET", "/recommendations/u1").status == 500
    fresh.setenv("READ_KEY_ID", READ_KEY)
    answered = send("GET", "/recommendations/u1")
    assert (answered.status, answered.items) == (200, ["tea"])


def test_the_api_is_imported_without_botocore_numpy_or_moto() -> None:
    """Powertools brings botocore where it is installed, so what it loads is not counted."""
    program = (
        "import sys, aws_lambda_powertools, chalice\n"
        "before = set(sys.modules)\n"
        "import chalicelib.api.routes\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("boto3", "botocore", "numpy", "moto", "duckdb", "recdrop"):
        assert f"'{heavy}'" not in loaded


def test_the_event_that_api_gateway_sends_is_answered(shop: House) -> None:
    answered = shop.deliver(json.loads((EVENTS / "api_gateway_get.json").read_text()))
    assert answered.items == ["Zoë/1-0", "Zoë/1-1"]
    assert shop.runtime.calls[-1]["context"] == {"DEVICE": "phone"}


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
