"""The routes: those of app.py are those that the tests drive, and no request is a server error."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from chalice import Chalice
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app import app
from tests.chalicelib.house import EVENTS, House, encode, make_app


def methods_of(routes: Chalice) -> dict[str, set[str]]:
    return {path: set(entries) for path, entries in routes.routes.items()}


def test_app_has_the_routes_that_are_tested(house: House) -> None:
    assert methods_of(app) == methods_of(make_app(lambda: house.api))


def test_every_posted_body_is_ours_to_read_whatever_its_type() -> None:
    posted = [entries["POST"] for entries in app.routes.values() if "POST" in entries]
    assert all(entry.content_types == ["*/*"] for entry in posted)


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
