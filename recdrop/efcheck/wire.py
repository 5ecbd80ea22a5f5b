"""Requests as Snowflake sends them, and what came back."""

from __future__ import annotations

import base64
import gzip
import json
import select
import urllib.parse
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

MAX_SHOWN = 300
Sign = Callable[[str, str, bytes, dict[str, str]], dict[str, str]]


class UnreachableError(Exception):
    """Nothing answers at the URL, or nobody is let in."""


class WrongError(Exception):
    """A rule is broken; the message says what was expected and what came."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> bytes:
        """The body, unpacked where the answer says that it is packed."""
        if self.headers.get("content-encoding", "").lower() != "gzip":
            return self.raw
        try:
            return gzip.decompress(self.raw)
        except (OSError, EOFError, zlib.error) as error:
            raise WrongError(
                f"Content-Encoding says gzip, but the body is none: {error}."
            ) from error

    @property
    def document(self) -> Any:
        """The body as strict JSON."""
        try:
            return json.loads(self.body, parse_constant=_refuse)
        except ValueError as error:
            raise WrongError(f"The body is not valid JSON: {error}.") from error


@dataclass
class Client:
    """Sends to one URL and keeps what was said, for the report. `sign` gives a request's headers, signed."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    sign: Sign | None = None
    timeout: float = 35.0  # API Gateway gives up after 29 s
    said: list[dict[str, Any]] = field(default_factory=list)

    def post(
        self, body: bytes, batch: str | None = "", extra: Mapping[str, str] | None = None
    ) -> Answer:
        """A batch. `batch` "" makes an id, None sends none."""
        return self._send("POST", body, batch, extra or {})

    def get(self, batch: str) -> Answer:
        """A poll."""
        return self._send("GET", b"", batch, {})

    def lose(self, body: bytes, batch: str) -> None:
        """Send a batch, and hang up when the answer is there, without having read it."""
        connection, path = self._connect()
        try:
            connection.request("POST", path, body, self._headers("POST", body, batch, {}))
            select.select([connection.sock], [], [], self.timeout)
        except (OSError, HTTPException) as error:
            raise UnreachableError(f"{self.url} does not answer: {error}.") from error
        finally:
            connection.close()

    def _send(
        self, method: str, body: bytes, batch: str | None, extra: Mapping[str, str]
    ) -> Answer:
        connection, path = self._connect()
        try:
            connection.request(method, path, body, self._headers(method, body, batch, extra))
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, headers, response.read())
        except (OSError, HTTPException) as error:
            raise UnreachableError(f"{self.url} does not answer: {error}.") from error
        finally:
            connection.close()
        shown = {"status": answer.status, "body": _show(answer.raw)}
        self.said.append({"request": f"{method} {_show(body)}".strip(), "answer": shown})
        return answer

    def _connect(self) -> tuple[HTTPConnection, str]:
        parts = urllib.parse.urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return kind(parts.hostname or "", parts.port, timeout=self.timeout), path

    def _headers(
        self, method: str, body: bytes, batch: str | None, extra: Mapping[str, str]
    ) -> dict[str, str]:
        query = str(uuid.uuid4())
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "snowflake/1.0",
            "sf-external-function-format": "json",
            "sf-external-function-format-version": "1.0",
            "sf-external-function-current-query-id": query,
            "sf-external-function-name-base64": base64.b64encode(b"EFCHECK").decode(),
            "sf-external-function-return-type": "VARIANT",
        }
        if batch is not None:
            headers["sf-external-function-query-batch-id"] = batch or f"{query}:1:1:0:0"
        headers |= {**self.headers, **extra}
        return self.sign(method, self.url, body, headers) if self.sign else headers


def signer(region: str) -> Sign:
    """Signs as Snowflake's role does, for API Gateway, with the credentials that boto3 finds.

    Raises:
        UnreachableError: there are none.
    """
    import boto3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise UnreachableError("There are no AWS credentials to sign with.")

    def sign(method: str, url: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        request = AWSRequest(method=method, url=url, data=body, headers=headers)
        SigV4Auth(credentials, "execute-api", region).add_auth(request)
        return dict(request.headers.items())

    return sign


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _show(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(body):,} bytes)"
