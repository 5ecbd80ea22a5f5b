"""Requests as botocore sends them, and what a guarded service answers, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config

ENDPOINT = "http://127.0.0.1:4566"
App = Callable[..., Iterable[bytes]]


def client(service: str, key: str, answer: Callable[[AWSPreparedRequest], Any]) -> Any:
    """A client whose requests are answered here."""
    made = boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    made.meta.events.register("before-send.*", lambda request, **_: answer(request))
    return made


def environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """A prepared request as WSGI has it."""
    parts = urlsplit(request.url)
    given: Any = request.body or b""
    body = given.read() if hasattr(given, "read") else given
    body = body.encode() if isinstance(body, str) else bytes(body)
    found: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "wsgi.input": BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in request.headers.items():
        text = as_text(value)
        key = name.upper().replace("-", "_")
        found[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = text
    return found


def as_text(value: Any) -> str:
    """A header's value, which botocore has as text or as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


class Raw:
    """A body as botocore reads it from urllib3."""

    def __init__(self, body: bytes) -> None:
        self._body = BytesIO(body)

    def read(self, *amount: int) -> bytes:
        return self._body.read(*amount)

    def stream(self) -> Iterable[bytes]:
        yield self._body.read()


def response(
    request: AWSPreparedRequest, status: int, body: bytes, headers: dict[str, str] | None = None
) -> AWSResponse:
    """An answer as botocore gets it."""
    kept: Any = HeadersDict(headers or {})
    return AWSResponse(request.url, status, kept, Raw(body))


def answered_by(app: App) -> Callable[[AWSPreparedRequest], AWSResponse]:
    """Answers botocore's requests with a WSGI application."""

    def answer(request: AWSPreparedRequest) -> AWSResponse:
        started: list[Any] = []
        body = b"".join(
            app(environ(request), lambda status, headers: started.append((status, headers)))
        )
        status, headers = started[-1]
        return response(request, int(status.split()[0]), body, dict(headers))

    return answer
