"""A request as API Gateway hands it on."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import Any

import pytest

from recdrop.local.gateway.errors import GatewayError
from recdrop.local.gateway.requests import authorise, encode_body, group, raw_path, read_body
from recdrop.local.gateway.routes import RestApi

API = RestApi({}, "api", "APIHandler")
COMPRESSING = RestApi({}, "api", "APIHandler", minimum_compression=0)


def test_a_route_with_a_key_wants_one_of_the_stage_and_says_which_it_was() -> None:
    keyed: dict[str, Any] = {"security": [{"api_key": []}]}
    keys = {"recdrop-ReadKey": "local-ReadKey"}
    identity = authorise(keyed, {"HTTP_X_API_KEY": "recdrop-ReadKey"}, keys)
    assert identity["apiKeyId"] == "local-ReadKey"
    wrong: list[dict[str, Any]] = [{}, {"HTTP_X_API_KEY": ""}, {"HTTP_X_API_KEY": "local-ReadKey"}]
    for environ in wrong:
        with pytest.raises(GatewayError, match="Forbidden") as refused:
            authorise(keyed, environ, keys)
        assert refused.value.status == 403
    assert authorise({}, {}, keys)["apiKeyId"] is None


def test_a_chunked_body_is_read_to_its_end() -> None:
    chunked = {"wsgi.input": BytesIO(b"rows"), "wsgi.input_terminated": True}
    assert read_body(chunked, API) == b"rows"


def post(body: bytes, **more: str) -> dict[str, Any]:
    """The environ of a POST."""
    return {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), **more}


def test_a_packed_body_is_opened_only_when_the_api_compresses() -> None:
    packed = gzip.compress(b"rows")
    assert read_body(post(packed, HTTP_CONTENT_ENCODING="gzip"), COMPRESSING) == b"rows"
    assert read_body(post(packed, HTTP_CONTENT_ENCODING="gzip"), API) == packed
    with pytest.raises(GatewayError, match="not valid gzip"):
        read_body(post(b"rows", HTTP_CONTENT_ENCODING="gzip"), COMPRESSING)


@pytest.mark.parametrize("line", ["/a%2Fb?x=1", "http://127.0.0.1:8000/a%2Fb?x=1"])
def test_the_path_is_kept_as_it_was_sent(line: str) -> None:
    assert raw_path({"REQUEST_URI": line}) == "/a%2Fb"


def test_names_with_several_values_keep_them_all() -> None:
    assert group([("a", "1"), ("b", "2"), ("a", "3")]) == {"a": ["1", "3"], "b": ["2"]}
    assert group([]) is None


def test_text_that_is_not_utf_8_is_replaced_and_binary_is_whole() -> None:
    assert encode_body(b"\xff", is_binary=False) == "�"
    assert encode_body(b"\xff", is_binary=True) == "/w=="
