"""What a function returned, as HTTP."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from typing import Any

import pytest

from recdrop.local.gateway.answers import HttpAnswer, compress, to_http
from recdrop.local.gateway.errors import GatewayError
from recdrop.local.gateway.routes import RestApi

API = RestApi({"paths": {}}, "api", "APIHandler", ("image/*", "application/zip"))


def test_compression_happens_only_when_the_api_asks_for_it() -> None:
    big = HttpAnswer(200, (), b"x" * 2000)
    assert compress(big, None, "gzip") is big
    packed = compress(big, 1000, "gzip, br")
    assert gzip.decompress(packed.body) == big.body
    assert ("Content-Encoding", "gzip") in packed.headers
    for untouched in (
        HttpAnswer(200, (), b"small"),
        replace(big, headers=(("content-encoding", "br"),)),
    ):
        assert compress(untouched, 1000, "gzip") is untouched
    assert compress(big, 1000, "identity") is big


@pytest.mark.parametrize("result", [None, [], {"body": "x"}, {"statusCode": "200"}])
def test_results_of_another_shape_are_a_bad_gateway(result: Any) -> None:
    with pytest.raises(GatewayError) as error:
        to_http(result, API, "")
    assert error.value.status == 502


def test_multi_value_headers_win_over_single_ones() -> None:
    result = {
        "statusCode": 200,
        "headers": {"set-cookie": "a=0"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
    }
    headers = to_http(result, API, "").headers
    assert [value for name, value in headers if name == "Set-Cookie"] == ["a=1", "b=2"]


def test_base64_is_decoded_for_binary_accepts_only() -> None:
    result = {
        "statusCode": 200,
        "body": base64.b64encode(b"\x00").decode(),
        "isBase64Encoded": True,
    }
    assert to_http(result, API, "image/png,*/*").body == b"\x00"
    assert to_http(result, API, "text/html").body == b"AA=="
