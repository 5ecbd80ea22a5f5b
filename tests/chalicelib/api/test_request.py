"""A request, decoded."""

from __future__ import annotations

import binascii
import gzip
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.api.request import Call, decode_path, inflate
from chalicelib.serving.errors import BadRequest, TooLarge


class Request:
    """What API Gateway's event became in Chalice's hands."""

    method = "POST"
    path = "/rank"
    headers: Mapping[str, str] = {}
    query_params: Mapping[str, str] | None = None
    context: Mapping[str, Any] = {}

    def __init__(self, body: str | bytes | Exception) -> None:
        self._body = body

    @property
    def raw_body(self) -> str | bytes:
        if isinstance(self._body, Exception):
            raise self._body
        return self._body


def call(body: str | bytes | Exception) -> Call:
    return Call(Request(body))


TEXT = '{"a": "é"}'


@pytest.mark.parametrize(
    "body", [TEXT, TEXT.encode(), gzip.compress(TEXT.encode())], ids=["text", "bytes", "zipped"]
)
def test_a_body_is_read_as_text_as_bytes_or_zipped(body: str | bytes) -> None:
    assert call(body).json() == {"a": "é"}


def test_a_request_without_parameters_has_an_empty_query() -> None:
    assert call("").query == {}


@pytest.mark.parametrize("body", ["", "  ", "{", "7", "[]", "\ud800", binascii.Error("padding")])
def test_what_is_no_json_object_is_refused(body: str | Exception) -> None:
    with pytest.raises(BadRequest):
        call(body).json_object()


def test_a_body_is_too_large_zipped_or_not() -> None:
    assert call(b"x" * 10).body(limit=10) == b"x" * 10
    for body in (b"x" * 11, gzip.compress(b"x" * 11)):
        with pytest.raises(TooLarge, match="larger than 10 bytes"):
            call(body).body(limit=10)


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    with pytest.raises(TooLarge):
        inflate(bomb, 1_000_000)


def test_a_gzip_body_must_be_whole() -> None:
    for body in (gzip.compress(b"[]")[:-9], b"\x1f\x8bnonsense"):
        with pytest.raises(BadRequest):
            inflate(body, 100)


def test_a_path_is_percent_decoded_once_and_its_plus_stays() -> None:
    assert decode_path("a%20b+c%2520", "user") == "a b+c%20"
    with pytest.raises(BadRequest, match="Path parameter 'user' is not percent-encoded UTF-8"):
        decode_path("%FF", "user")
