"""API Gateway for one REST API: HTTP requests to Lambda proxy events and back, by the packaged
template.

Kept from the real one: percent-decoded path parameters, multi-value headers and queries, base64 for
binary types, the 10 MB and 6 MB limits, `Missing Authentication Token` for unsigned calls on IAM
routes and for unknown paths, compression only when the API asks for it, 502 for a broken answer,
504 after 29 s. Signatures are required, not verified.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import logging
import re
import time
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from recdrop.local.identity import ACCOUNT
from recdrop.local.lambdas import InvokeError, LambdaHost
from recdrop.local.template import RestApi

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOG = logging.getLogger(__name__)
PATIENCE_SECONDS = 29.0
REQUEST_LIMIT = 10 * 1024 * 1024
CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/")
API_ID = "local"
REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class GatewayError(Exception):
    """An answer that API Gateway gives itself: `{"message": ...}` with an error type header."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(frozen=True)
class Route:
    """A path of the API: its pattern, its Swagger methods in lower case."""

    resource: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    methods: Mapping[str, Any]


@dataclass(frozen=True)
class HttpAnswer:
    """A complete HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Gateway:
    """The WSGI application of the API port."""

    def __init__(self, api: RestApi, function: str, lambdas: LambdaHost) -> None:
        self._api = api
        self._function = function
        self._lambdas = lambdas
        self._routes = sorted(
            (to_route(resource, methods) for resource, methods in api.swagger["paths"].items()),
            key=lambda route: (len(route.names), route.resource),
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = str(uuid.uuid4())
        try:
            answer = self.answer(environ, request_id)
        except GatewayError as error:
            document = (
                {"error": {"code": error.kind, "message": str(error)}}
                if self._api.own_errors
                else {"message": str(error)}
            )
            headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", error.kind))
            answer = HttpAnswer(error.status, headers, json.dumps(document).encode())
        answer = self.compress(answer, environ.get("HTTP_ACCEPT_ENCODING", ""))
        sent = [
            *answer.headers,
            ("Content-Length", str(len(answer.body))),
            ("x-amzn-RequestId", request_id),
        ]
        start_response(f"{answer.status} {REASONS.get(answer.status, 'Status')}", sent)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def answer(self, environ: WSGIEnvironment, request_id: str) -> HttpAnswer:
        """The answer of the function behind the route."""
        path = raw_path(environ)
        route, parameters = self.find(path)
        method = environ["REQUEST_METHOD"].lower()
        operation = route.methods.get(method, route.methods.get("x-amazon-apigateway-any-method"))
        if operation is None:
            raise GatewayError(
                403, "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        if operation.get("x-amazon-apigateway-integration", {}).get("type") == "mock":
            return mock_answer(operation)
        caller = self.authorise(operation, environ)
        body = self.read_body(environ)
        event = self.event(environ, route, parameters, path, body, request_id, caller)
        return self.invoke(event, environ)

    def find(self, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a raw path, fixed segments before parameters, with the decoded parameters."""
        for route in self._routes:
            if found := route.pattern.fullmatch(path):
                return route, {
                    name: unquote(value)
                    for name, value in zip(route.names, found.groups(), strict=True)
                }
        raise GatewayError(
            403, "MissingAuthenticationTokenException", "Missing Authentication Token"
        )

    def authorise(self, operation: Mapping[str, Any], environ: WSGIEnvironment) -> dict[str, Any]:
        """The identity of the caller; 403 where the route wants a signature and there is none.

        API keys are not asked for: they say who calls, they do not authorise, and nobody hands any
        out here.
        """
        identity: dict[str, Any] = {
            "sourceIp": environ.get("REMOTE_ADDR", "127.0.0.1"),
            "userAgent": environ.get("HTTP_USER_AGENT"),
            "accountId": None,
            "accessKey": None,
            "caller": None,
            "user": None,
            "userArn": None,
            "apiKey": environ.get("HTTP_X_API_KEY"),
        }
        wanted = {name for entry in operation.get("security", ()) for name in entry}
        if "sigv4" in wanted:
            signature = CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
            if signature is None:
                raise GatewayError(
                    403, "MissingAuthenticationTokenException", "Missing Authentication Token"
                )
            key = signature[1]
            identity |= {
                "accountId": ACCOUNT,
                "accessKey": key,
                "caller": key,
                "user": key,
                "userArn": f"arn:aws:iam::{ACCOUNT}:user/{key}",
            }
        return identity

    def read_body(self, environ: WSGIEnvironment) -> bytes:
        """The request body, decompressed when the API compresses."""
        body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if len(body) > REQUEST_LIMIT:
            raise GatewayError(413, "RequestTooLargeException", "Request Entity Too Large")
        if (
            self._api.minimum_compression is not None
            and environ.get("HTTP_CONTENT_ENCODING") == "gzip"
        ):
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error) as error:
                raise GatewayError(
                    400, "BadRequestException", "Request body is not valid gzip"
                ) from error
        return body

    def event(
        self,
        environ: WSGIEnvironment,
        route: Route,
        parameters: Mapping[str, str],
        path: str,
        body: bytes,
        request_id: str,
        identity: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The Lambda proxy event, version 1.0."""
        headers = read_headers(environ)
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        is_binary = self.is_binary(environ.get("CONTENT_TYPE", ""))
        now = time.time()
        return {
            "resource": route.resource,
            "path": unquote(path),
            "httpMethod": environ["REQUEST_METHOD"],
            "headers": dict(headers) or None,
            "multiValueHeaders": group(headers),
            "queryStringParameters": dict(query) or None,
            "multiValueQueryStringParameters": group(query),
            "pathParameters": dict(parameters) or None,
            "stageVariables": None,
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": API_ID,
                "authorizer": None,
                "domainName": environ.get("HTTP_HOST", ""),
                "extendedRequestId": request_id,
                "httpMethod": environ["REQUEST_METHOD"],
                "identity": dict(identity),
                "path": f"/{self._api.stage}{unquote(path)}",
                "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
                "requestId": request_id,
                "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "requestTimeEpoch": int(now * 1000),
                "resourceId": route.resource,
                "resourcePath": route.resource,
                "stage": self._api.stage,
            },
            "body": encode_body(body, is_binary) if body else None,
            "isBase64Encoded": bool(body) and is_binary,
        }

    def is_binary(self, content_type: str) -> bool:
        """Whether a content type is one of the API's binary media types."""
        media_type = content_type.split(";")[0].strip().lower()
        return any(
            binary in {media_type, "*/*"}
            or (binary.endswith("/*") and media_type.startswith(binary[:-1]))
            for binary in self._api.binary_types
        )

    def invoke(self, event: Mapping[str, Any], environ: WSGIEnvironment) -> HttpAnswer:
        """The function's answer; 502 and 504 when it has none."""
        try:
            answer = self._lambdas.invoke(
                self._function, json.dumps(event).encode(), PATIENCE_SECONDS
            )
        except InvokeError as error:
            LOG.warning("The API's function was not invoked: %s", error)
            status = {413: 413, 429: 429}.get(error.status, 500)
            raise GatewayError(
                status, error.code, "Internal server error" if status == 500 else str(error)
            ) from error
        if answer.failed:
            LOG.error("The API's function failed: %s", answer.payload.decode())
            if b'"Sandbox.Timedout"' in answer.payload:
                raise GatewayError(504, "IntegrationTimeoutException", "Endpoint request timed out")
            raise GatewayError(502, "InternalServerErrorException", "Internal server error")
        return self.to_http(json.loads(answer.payload), environ.get("HTTP_ACCEPT", ""))

    def to_http(self, result: Any, accept: str) -> HttpAnswer:
        """A proxy result as HTTP; one with a wrong shape is a 502."""
        if not isinstance(result, dict) or not isinstance(result.get("statusCode"), int):
            LOG.error(
                "The API's function answered %.200r. Expected an object with an integer statusCode.",
                result,
            )
            raise GatewayError(502, "InternalServerErrorException", "Internal server error")
        headers = [(name, str(value)) for name, value in (result.get("headers") or {}).items()]
        for name, values in (result.get("multiValueHeaders") or {}).items():
            headers = [header for header in headers if header[0].lower() != name.lower()]
            headers += [(name, str(value)) for value in values]
        headers = [header for header in headers if header[0].lower() != "content-length"]
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        body = str(result.get("body") or "").encode()
        if result.get("isBase64Encoded") and (
            self.is_binary(accept.split(",")[0]) or "*/*" in self._api.binary_types
        ):
            try:
                body = base64.b64decode(body, validate=True)
            except binascii.Error as error:
                raise GatewayError(
                    502, "InternalServerErrorException", "Internal server error"
                ) from error
        return HttpAnswer(result["statusCode"], tuple(headers), body)

    def compress(self, answer: HttpAnswer, accept_encoding: str) -> HttpAnswer:
        """Gzip the answer where API Gateway would: the API has a minimum size, the client asked,
        nothing is encoded.
        """
        minimum = self._api.minimum_compression
        encoded = any(name.lower() == "content-encoding" for name, _ in answer.headers)
        if (
            minimum is None
            or len(answer.body) < minimum
            or encoded
            or "gzip" not in accept_encoding
        ):
            return answer
        body = gzip.compress(answer.body, 6, mtime=0)
        return HttpAnswer(answer.status, (*answer.headers, ("Content-Encoding", "gzip")), body)


def to_route(resource: str, methods: Mapping[str, Any]) -> Route:
    """A Swagger path as a pattern over the raw path: `{name}` is one segment, `{name+}` the rest."""
    names: list[str] = []
    pattern = ""
    for part in re.split(r"(\{[^}]+\})", resource):
        if part.startswith("{"):
            names.append(part[1:-1].rstrip("+"))
            pattern += "(.+)" if part.endswith("+}") else "([^/]+)"
        else:
            pattern += re.escape(part)
    return Route(resource, re.compile(pattern + "/?"), tuple(names), methods)


def raw_path(environ: WSGIEnvironment) -> str:
    """The path as it was sent, before decoding; `%2F` is not a separator."""
    raw: str = (
        environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO") or "/"
    )
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
    """Base64 for binary types, else text; bytes that are not UTF-8 are replaced, as API Gateway
    does.
    """
    return base64.b64encode(body).decode() if is_binary else body.decode("utf-8", "replace")


def mock_answer(operation: Mapping[str, Any]) -> HttpAnswer:
    """The answer of a mock integration: the CORS headers of an OPTIONS route."""
    responses = operation["x-amazon-apigateway-integration"].get("responses", {})
    parameters = responses.get("default", {}).get("responseParameters", {})
    headers = tuple(
        (name.removeprefix("method.response.header."), str(value).strip("'"))
        for name, value in parameters.items()
    )
    return HttpAnswer(200, (("Content-Type", "application/json"), *headers), b"")
