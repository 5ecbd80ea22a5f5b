"""The local AWS port as AWS: what exists only here is gone, and every call is remembered."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from recdrop.service.http.httpserver import listen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

OURS = ("/_recdrop", "/_personalize")
HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}
S3_ACTIONS = {"PUT": "s3:PutObject", "GET": "s3:GetObject", "HEAD": "s3:GetObject"}


class AwsAlone:
    """Passes requests on. `actions` are those that IAM would have to allow."""

    def __init__(self, endpoint: str) -> None:
        self.behind = urlsplit(endpoint).netloc
        self.actions: set[str] = set()
        self.server = listen(0, self, "ANY_PORT")
        self.server.start()

    @property
    def url(self) -> str:
        return self.server.url

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(OURS):
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.actions.add(action_of(environ, body))
        connection = http.client.HTTPConnection(self.behind, timeout=60)
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        raw = urlsplit(environ.get("RAW_URI") or environ.get("REQUEST_URI") or path).path
        connection.request(environ["REQUEST_METHOD"], raw + query, body, headers_of(environ))
        answer = connection.getresponse()
        told = answer.read()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]
        start_response(
            f"{answer.status} {answer.reason}", [*headers, ("Content-Length", str(len(told)))]
        )
        connection.close()
        return [told]


def headers_of(environ: WSGIEnvironment) -> dict[str, str]:
    """The request's headers, but for those that are this connection's own."""
    found = {
        name.removeprefix("HTTP_").replace("_", "-").title(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in {"HTTP_HOST", "HTTP_CONNECTION", "HTTP_EXPECT"}
    }
    return found | ({"Content-Type": kind} if (kind := environ.get("CONTENT_TYPE")) else {})


def action_of(environ: WSGIEnvironment, body: bytes) -> str:
    """The IAM action of a request that is signed."""
    signed = re.search(r"/([a-z0-9]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
    service = signed[1] if signed else "unsigned"
    if service == "s3":
        is_bucket = environ["PATH_INFO"].strip("/").count("/") == 0
        method = environ["REQUEST_METHOD"]
        return "s3:ListBucket" if is_bucket and method == "GET" else S3_ACTIONS[method]
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}:{target.rsplit('.', 1)[-1]}"
    if "/operation/" in environ["PATH_INFO"]:
        return f"{service}:{environ['PATH_INFO'].rsplit('/', 1)[-1]}"
    return f"{service}:{parse_qs(body.decode())['Action'][0]}"
