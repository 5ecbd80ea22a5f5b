"""An API Gateway request, decoded: path and query text, headers in any case, the body.

Chalice parses the event; this module does what it leaves to the app. API Gateway's REST APIs hand
path parameters on still percent-encoded. A body may be base64 (`isBase64Encoded`) and may be gzip,
whatever Content-Encoding says: API Gateway decompresses and leaves the header in place, so the
magic bytes decide.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from chalicelib.serving.errors import BadRequest, TooLarge
from chalicelib.serving.values import decode_json, type_name

MAX_BODY_BYTES = 1_000_000
GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's number for "the largest window, in a gzip frame"


class ChaliceRequest(Protocol):
    """What is used of chalice.app.Request."""

    method: str
    headers: Mapping[str, str]
    query_params: Mapping[str, str] | None
    context: Mapping[str, Any]

    @property
    def raw_body(self) -> str | bytes: ...


@dataclass(frozen=True)
class Call:
    """One request. `header` is case-insensitive because Chalice's mapping is."""

    request: ChaliceRequest

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params or {})

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def route(self) -> str:
        """The route's template, such as `/recommendations/{user}`: the path itself holds an id."""
        return str(self.request.context.get("resourcePath", ""))

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name)

    def body(self, limit: int = MAX_BODY_BYTES) -> bytes:
        """The body, base64 and gzip undone.

        Raises:
            BadRequest: it cannot be undone.
            TooLarge: it has more than `limit` bytes, compressed or not.
        """
        try:
            raw = self.request.raw_body
            body = raw.encode() if isinstance(raw, str) else bytes(raw or b"")
        except (UnicodeEncodeError, binascii.Error) as error:
            raise BadRequest(f"The body cannot be decoded: {error.__class__.__name__}.") from error
        _check_size(len(body), limit)
        return inflate(body, limit) if body.startswith(GZIP_MAGIC) else body

    def json(self, limit: int = MAX_BODY_BYTES) -> Any:
        """The body's JSON value.

        Raises:
            BadRequest, TooLarge: as `body`; or it is empty, or no JSON.
        """
        body = self.body(limit)
        if not body.strip():
            raise BadRequest("The body is empty. Expected JSON.")
        return decode_json(body)

    def json_object(self) -> dict[str, Any]:
        """The body's JSON object.

        Raises:
            BadRequest, TooLarge: as `json`; or it is another value.
        """
        body = self.json()
        if not isinstance(body, dict):
            raise BadRequest(f"The body is of type {type_name(body)}. Expected a JSON object.")
        return body


def inflate(body: bytes, limit: int) -> bytes:
    """Gunzip at most `limit` bytes: a small body may unpack to gigabytes."""
    decompressor = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        # One byte more than is allowed, to tell "exactly the limit" from "above it".
        plain = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequest("The body starts as gzip but cannot be decompressed.") from error
    _check_size(len(plain), limit)
    if not decompressor.eof:
        raise BadRequest("The gzip body ends before its end mark.")
    return plain


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes.")


def decode_path(value: str, name: str) -> str:
    """Percent-decode one path parameter; `+` stays a plus sign, as in any path.

    Raises:
        BadRequest: the decoded bytes are no UTF-8.
    """
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise BadRequest(f"Path parameter {name!r} is not percent-encoded UTF-8.") from error
