"""The application's API behind the local gateway: keys, web pages, health, and whatever else is sent."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib import documents
from chalicelib.clients import Clients
from chalicelib.documents import GroupRecord, PopularItem, PopularList, ServingRecord
from chalicelib.ledger import Ledger
from recdrop.local.stack import Stack
from tests.architecture.graph import PROJECT
from tests.recdrop.conftest import fetch

PAGE = "https://shop.example"
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=recdrop/20261125/us-east-1/execute-api/aws4_request, Signature=x"
)
SIMPLE = "text/plain"
SMALL, LARGE = 300, 5_000


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The application with one group, whose popular list answers: nothing was trained."""
    with Stack(PROJECT, personalize=False, environment={"CORS_ORIGINS": PAGE}) as stack:
        ledger = Ledger(Clients().table(stack.resources["LedgerTable"]))
        ledger.record_serving(
            1,
            ServingRecord(
                group="shop",
                solution="for-you",
                recipe="aws-user-personalization-v2",
                recipe_type="USER_PERSONALIZATION",
                campaign_arn=None,
                solution_version_arn=None,
                run="run1",
            ),
        )
        listed = PopularList(items=(PopularItem(item_id="tea", count=3),))
        stack.boto_client("s3").put_object(
            Bucket=stack.outputs["WorkBucketName"],
            Key="popular/run1.json",
            Body=documents.encode(listed),
        )
        ledger.record_popular("shop", "run1", "popular/run1.json")
        ledger.record_group(1, GroupRecord(group="shop", run="run1", solutions=("for-you",)))
        yield stack


def code(body: bytes) -> str:
    return str(json.loads(body)["error"]["code"])


def test_one_key_reads_and_another_writes(api: Stack) -> None:
    read, write = api.api_keys["ReadKey"], api.api_keys["WriteKey"]
    assert fetch(api.api_url + "/popular", x_api_key=read)[0] == 200
    assert fetch(api.api_url + "/popular", x_api_key=write)[0] == 403
    events = api.api_url + "/events"
    assert fetch(events, b"{}", x_api_key=read)[0] == 403
    assert fetch(events, b"{}", x_api_key=write)[0] == 400
    for guessed in ("", "guessed", "local-ReadKey"):
        status, _, body = fetch(api.api_url + "/popular", x_api_key=guessed)
        assert (status, code(body)) == (403, "ForbiddenException")


def test_the_keys_are_told_to_whoever_runs_the_stack(api: Stack) -> None:
    told = json.loads(fetch(f"{api.aws_url}/_recdrop/health")[2])["api_keys"]
    assert told == {"ReadKey": "recdrop-ReadKey", "WriteKey": "recdrop-WriteKey"}


def test_a_listed_page_may_use_the_api_with_a_key_and_ask_before_without(api: Stack) -> None:
    url, read = api.api_url + "/popular", api.api_keys["ReadKey"]
    status, headers, body = fetch(url, method="OPTIONS", Origin=PAGE)
    assert (status, body, headers["Access-Control-Allow-Origin"]) == (204, b"", PAGE)
    status, headers, _ = fetch(url, Origin=PAGE, x_api_key=read, Sec_Fetch_Site="cross-site")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    # That it is refused for want of a key, the page may know as well.
    status, headers, _ = fetch(url, Origin=PAGE)
    assert (status, headers["Access-Control-Allow-Origin"]) == (403, PAGE)


def test_health_says_ok_and_status_wants_a_signature(api: Stack) -> None:
    assert fetch(api.api_url + "/health")[2] == b'{"status":"ok"}'
    status, _, body = fetch(api.api_url + "/status")
    assert status == 403
    assert b"arn:" not in body
    status, _, body = fetch(api.api_url + "/status", Authorization=SIGNED)
    assert (status, list(json.loads(body)["groups"])) == (200, ["shop"])


# -- whatever is sent ------------------------------------------------------------------------------

ROUTES = (
    "/recommendations/{}", "/similar/{}", "/rank", "/popular", "/events", "/segment",
    "/snowflake/{}", "/runs/{}", "/status", "/health", "/", "/{}", "/recommendations", "/a/{}/b",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "FOO", "get")
KNOWN = [
    "group",
    "solution",
    "numResults",
    "filter",
    "filterValues",
    "context",
    "metadata",
    "userId",
]
VALUES = ["shop", "for-you", "5", "0", "-1", "1e9", "{}", '{"A":"b"}', "null", "true", "NaN", ""]
latin = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
segments = st.one_of(
    st.sampled_from(
        ["u1", "recommend", "similar", "%FF", "%2F..%2F", "%", "%00", "..", "a%0d%0ab"]
    ),
    anything.map(lambda text: quote(text, safe="")),
    st.binary(min_size=1, max_size=20).map(quote_from_bytes),
    st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#"), max_size=9
    ),
)
pairs = st.tuples(st.sampled_from(KNOWN) | anything, st.sampled_from(VALUES) | anything)
queries = st.one_of(
    st.lists(pairs, max_size=4).map(lambda p: "&".join(f"{quote(k)}={quote(v)}" for k, v in p)),
    st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=40
    ),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4),
    max_leaves=6,
)
MEMBERS = ["userId", "items", "events", "users", "eventType", "itemId", "sessionId", "sentAt",
           "properties", "impression", "group", "data", "batch", "type", "event"]  # fmt: skip
texts = st.one_of(
    json_values.map(json.dumps),
    st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=5).map(json.dumps),
    st.sampled_from(["", "{", "[" * 50_000, "[[[]]]", '{"data": [[0]]}', '{"data": [[0, "u1"]]}',
                     '{"userId":"u1","items":["tea"]}', "1" * 5_000, '"\\ud800"', '{"a":1,"a":2}']),
)  # fmt: skip
bodies = st.one_of(
    st.none(),
    texts.map(str.encode),
    st.binary(max_size=60),
    texts.map(lambda text: gzip.compress(text.encode())),
    texts.map(lambda text: gzip.compress(text.encode())[:-3]),
    texts.map(lambda text: text.encode("utf-16")),
)
# What gets past the doors, so that the routes behind them are met as well.
polite = st.fixed_dictionaries(
    {
        "x-api-key": st.sampled_from(["recdrop-ReadKey", "recdrop-WriteKey"]),
        "Authorization": st.just(SIGNED),
    },
    optional={
        "Content-Type": st.just("application/json") | latin,
        "Accept-Encoding": st.just("gzip"),
        "Origin": st.just(PAGE),
        "sf-external-function-query-batch-id": latin,
        "sf-custom-group": st.just("shop") | latin,
    },
)
rude = st.fixed_dictionaries(
    {},
    optional={
        "x-api-key": st.sampled_from(["recdrop-ReadKey", "recdrop-WriteKey", "guessed"]),
        "Authorization": st.sampled_from([SIGNED, "Bearer x", ""]) | latin,
        "Content-Type": st.sampled_from(["application/json", SIMPLE, "application/json; charset=x"])
        | latin,
        "Content-Encoding": st.sampled_from(["gzip", "br", "identity"]),
        "Accept": st.sampled_from(["*/*", "image/png", "text/html"]) | latin,
        "Accept-Encoding": st.sampled_from(["gzip", "identity", "*;q=0"]),
        "Origin": st.sampled_from([PAGE, "https://evil.example", "null"]),
        "Host": st.sampled_from(["rebound.example", ""]),
        "Content-Length": st.sampled_from(["-1", "x", ""]),
        "sf-external-function-query-batch-id": latin,
        "sf-custom-group": latin,
        "X-Forwarded-For": latin,
        "X-Forwarded-Proto": latin,
        "Cookie": latin,
    },
)


def send(
    stack: Stack, method: str, target: str, sent: dict[str, str], body: bytes | None
) -> tuple[HTTPResponse, bytes]:
    """An answer to what no well-behaved client would send."""
    host = stack.api_url.removeprefix("http://")
    connection = HTTPConnection(host, timeout=10)
    connection.putrequest(method, "/", skip_host=True, skip_accept_encoding=True)
    # http.client checks the request line; here it is what the fuzzer says.
    connection._buffer[0] = f"{method} {target} HTTP/1.1".encode()  # type: ignore[attr-defined]
    whole = {"Host": host, "Content-Length": str(len(body or b"")), **sent}
    for name, value in whole.items():
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders(body)
    try:
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def check(answer: HTTPResponse, body: bytes, request: object) -> None:
    """No failure of ours, and one format of errors."""
    assert answer.status < 500, (request, body)
    if answer.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if answer.status >= 400 and body:
        error = json.loads(body)["error"]
        assert error.keys() >= {"code", "message"}, request
        assert all(isinstance(error[name], str) for name in ("code", "message")), request
        assert b"Traceback" not in body


def fuzz(api: Stack, examples: int) -> list[int]:
    """The statuses of so many requests."""
    seen: list[int] = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # a request costs milliseconds: the first that fails says enough
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(["GET", "POST"]) | st.sampled_from(METHODS),
        st.sampled_from(ROUTES),
        segments,
        queries,
        st.sampled_from([polite, polite, polite, rude]).flatmap(lambda headers: headers),
        bodies,
    )
    def one(
        method: str, route: str, part: str, query: str, sent: dict[str, str], body: bytes | None
    ) -> None:
        target = route.format(part) + (f"?{query}" if query else "")
        target = "".join(character for character in target if "!" <= character <= "~") or "/"
        answer, answered = send(api, method, target, sent, body)
        seen.append(answer.status)
        check(answer, answered, (method, target, sent, body))

    one()
    return seen


def test_whatever_is_sent_the_answer_is_ours(api: Stack) -> None:
    seen = fuzz(api, SMALL)
    assert len(seen) >= SMALL
    assert {200, 400, 403, 404} <= set(seen)


@pytest.mark.slow
def test_five_thousand_requests_and_no_failure(api: Stack) -> None:
    seen = fuzz(api, LARGE)
    assert len(seen) >= LARGE
