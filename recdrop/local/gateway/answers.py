"""An HTTP answer, made of what a function returned."""

from __future__ import annotations

import base64
import binascii
import gzip
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from recdrop.local.gateway.errors import server_error
from recdrop.local.gateway.routes import RestApi

LOG = logging.getLogger(__name__)
Header = tuple[str, str]


@dataclass(frozen=True)
class HttpAnswer:
    """A complete HTTP answer."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def to_http(result: Any, api: RestApi, accept: str) -> HttpAnswer:
    """A proxy result as HTTP. `accept` is the request's header of that name.

    Raises:
        GatewayError: 502, the result has a wrong shape.
    """
    if not isinstance(result, dict) or not isinstance(result.get("statusCode"), int):
        expected = "Expected an object with an integer statusCode."
        LOG.error("The API's function answered %.200r. %s", result, expected)
        raise server_error()
    body = to_body(result, api, accept)
    return HttpAnswer(result["statusCode"], tuple(to_headers(result)), body)


def to_headers(result: Mapping[str, Any]) -> list[Header]:
    """The headers of a proxy result; a multi-value header replaces the single one of its name."""
    headers = [(name, str(value)) for name, value in (result.get("headers") or {}).items()]
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers = without(headers, name)
        headers += [(name, str(value)) for value in values]
    # The length is ours to count: base64 and gzip change it.
    headers = without(headers, "content-length")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return headers


def without(headers: list[Header], name: str) -> list[Header]:
    """The headers but for those of a name, in any capitals."""
    return [header for header in headers if header[0].lower() != name.lower()]


def to_body(result: Mapping[str, Any], api: RestApi, accept: str) -> bytes:
    """The bytes of a proxy result.

    Base64 is decoded only when the client's first accepted type is binary to the API, as on AWS;
    else the client gets the base64 text.

    Raises:
        GatewayError: 502, the base64 is none.
    """
    text = str(result.get("body") or "")
    wanted = api.is_binary(accept.split(",")[0]) or "*/*" in api.binary_types
    if not result.get("isBase64Encoded") or not wanted:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise server_error() from error


def compress(answer: HttpAnswer, minimum: int | None, accept_encoding: str) -> HttpAnswer:
    """Gzip the answer where API Gateway would.

    That is: the API has a minimum size (in bytes), the client asked, nothing is encoded yet.
    """
    encoded = any(name.lower() == "content-encoding" for name, _ in answer.headers)
    if minimum is None or encoded or "gzip" not in accept_encoding:
        return answer
    if len(answer.body) < minimum:
        return answer
    headers = (*answer.headers, ("Content-Encoding", "gzip"))
    return replace(answer, headers=headers, body=gzip.compress(answer.body, 6, mtime=0))


def mock_answer(operation: Mapping[str, Any]) -> HttpAnswer:
    """The answer of a mock integration: the CORS headers of an OPTIONS route."""
    responses = operation["x-amazon-apigateway-integration"].get("responses", {})
    parameters = responses.get("default", {}).get("responseParameters", {})
    headers = tuple(
        (name.removeprefix("method.response.header."), str(value).strip("'"))
        for name, value in parameters.items()
    )
    return HttpAnswer(200, (("Content-Type", "application/json"), *headers), b"")
