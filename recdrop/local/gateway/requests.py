"""An HTTP request, read as API Gateway reads it: caller, body, and the Lambda proxy event."""

from __future__ import annotations

import base64
import gzip
import re
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from recdrop.local.aws.identity import ACCOUNT
from recdrop.local.gateway.errors import GatewayError, missing_token, wrong_key
from recdrop.local.gateway.routes import RestApi, Route

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

REQUEST_LIMIT = 10 * 1024 * 1024  # bytes; API Gateway's own
CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/")
API_ID = "local"


@dataclass(frozen=True)
class Request:
    """A request that has found its route; `parameters` are decoded, `body` is decompressed."""

    id: str
    environ: WSGIEnvironment
    route: Route
    parameters: Mapping[str, str]
    identity: Mapping[str, Any]
    body: bytes


def authorise(
    operation: Mapping[str, Any], environ: WSGIEnvironment, keys: Mapping[str, str]
) -> dict[str, Any]:
    """The identity of the caller.

    Any of the stage's `keys` (ids by values) opens every route that wants one, as on AWS: which key
    may do what is the function's to say. A signature is looked for, not verified.

    Raises:
        GatewayError: 403, the route wants a signature or a key and there is none.
    """
    key_id = keys.get(environ.get("HTTP_X_API_KEY", ""))
    identity: dict[str, Any] = {
        "sourceIp": environ.get("REMOTE_ADDR", "127.0.0.1"),
        "userAgent": environ.get("HTTP_USER_AGENT"),
        "accountId": None,
        "accessKey": None,
        "caller": None,
        "user": None,
        "userArn": None,
        "apiKey": environ.get("HTTP_X_API_KEY"),
        "apiKeyId": key_id,
    }
    wanted = {name for entry in operation.get("security", ()) for name in entry}
    if "api_key" in wanted and key_id is None:
        raise wrong_key()
    if "sigv4" not in wanted:
        return identity
    signature = CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
    if signature is None:
        raise missing_token()
    key = signature[1]
    return identity | {
        "accountId": ACCOUNT,
        "accessKey": key,
        "caller": key,
        "user": key,
        "userArn": f"arn:aws:iam::{ACCOUNT}:user/{key}",
    }


def read_body(environ: WSGIEnvironment, api: RestApi) -> bytes:
    """The request body, decompressed when the API compresses.

    Raises:
        GatewayError: 413 for more than 10 MB, 400 for a gzip or chunked body that is none.
    """
    body = receive(environ)
    if len(body) > REQUEST_LIMIT:
        raise GatewayError(413, "RequestTooLargeException", "Request Entity Too Large")
    packed = environ.get("HTTP_CONTENT_ENCODING") == "gzip"
    if not packed or api.minimum_compression is None:
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        message = "Request body is not valid gzip"
        raise GatewayError(400, "BadRequestException", message) from error


def receive(environ: WSGIEnvironment) -> bytes:
    """The body as it was sent; a chunked one has no length, and ends where its stream does.

    Raises:
        GatewayError: 400, the chunks are none.
    """
    chunked = bool(environ.get("wsgi.input_terminated"))
    length = REQUEST_LIMIT + 1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except OSError as error:
        raise GatewayError(400, "BadRequestException", "Request body is not readable") from error
    return body


def proxy_event(request: Request, api: RestApi) -> dict[str, Any]:
    """The Lambda proxy event of a request, version 1.0."""
    environ = request.environ
    path = unquote(raw_path(environ))
    headers = read_headers(environ)
    query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    is_binary = api.is_binary(environ.get("CONTENT_TYPE", ""))
    return {
        "resource": request.route.resource,
        "path": path,
        "httpMethod": environ["REQUEST_METHOD"],
        # Where there is nothing API Gateway sends null, not an empty object.
        "headers": dict(headers) or None,
        "multiValueHeaders": group(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": group(query),
        "pathParameters": dict(request.parameters) or None,
        "stageVariables": None,
        "requestContext": request_context(request, api.stage, path),
        "body": encode_body(request.body, is_binary) if request.body else None,
        "isBase64Encoded": bool(request.body) and is_binary,
    }


def request_context(request: Request, stage: str, path: str) -> dict[str, Any]:
    """The part of the event that says who asked for what, when, and at which stage."""
    environ = request.environ
    now = time.time()
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "authorizer": None,
        "domainName": environ.get("HTTP_HOST", ""),
        "extendedRequestId": request.id,
        "httpMethod": environ["REQUEST_METHOD"],
        "identity": dict(request.identity),
        "path": f"/{stage}{path}",
        "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "requestId": request.id,
        "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": request.route.resource,
        "resourcePath": request.route.resource,
        "stage": stage,
    }


def raw_path(environ: WSGIEnvironment) -> str:
    """The path as it was sent, before decoding; `%2F` is not a separator."""
    raw: str = (
        environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO") or "/"
    )
    # A client behind a proxy may send the whole address on the request line.
    return re.sub(r"^https?://[^/]+", "", raw).split("?")[0] or "/"


def read_headers(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    """The request headers in the usual capitals."""
    pairs = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            pairs.append((key[5:].replace("_", "-").title(), str(value)))
        elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value:
            pairs.append((key.replace("_", "-").title(), str(value)))
    return pairs


def group(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]] | None:
    """All values of each name; None when there are none, as API Gateway has it."""
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped or None


def encode_body(body: bytes, is_binary: bool) -> str:
    """Base64 for binary types, else text; bytes that are not UTF-8 are replaced, as on AWS."""
    return base64.b64encode(body).decode() if is_binary else body.decode("utf-8", "replace")
