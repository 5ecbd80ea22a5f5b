"""Keeps web pages away from a port of this machine.

Any page that a browser shows may send requests to 127.0.0.1, and a name that its owner points there
(DNS rebinding) makes the page look like the same origin. So a request is refused unless

- its Host is this machine and this port (421 else);
- its Origin, where it has one, is this port's own or one that was allowed (403 else), and a browser
  that says it comes from elsewhere without naming an origin, as for an image or a link, is refused;
- a POST that a browser could send without asking first carries something that a browser could not:
  a content type that forms do not have, a signature, a target or an API key (415 else).

SDKs, the AWS CLI and curl send no Origin, and sign or name a content type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

NAMES = ("127.0.0.1", "localhost", "[::1]")
# What a form, or a script that may not read the answer, can send anywhere. "" is a body without type.
SIMPLE_TYPES = {"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
# A browser asks with OPTIONS before it sends one of these elsewhere, and that is refused.
TELLING_HEADERS = ("HTTP_AUTHORIZATION", "HTTP_X_AMZ_TARGET", "HTTP_X_API_KEY")
FOREIGN_SITES = {"cross-site", "same-site"}


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered."""

    status: str
    code: str
    message: str


class Guard:
    """A WSGI application in front of another.

    `port` is where it listens, `origins` the pages that may use it, asked for at each request, and
    `names` what this machine is called.
    """

    def __init__(
        self,
        app: WSGIApplication,
        port: int,
        origins: Callable[[], Collection[str]] = tuple,
        names: Collection[str] = NAMES,
    ) -> None:
        self._app = app
        self._hosts = tuple(f"{name}:{port}" for name in names)
        # Browsers and curl leave out the port that HTTP has anyway.
        self._hosts += tuple(names) if port == 80 else ()
        self._origins = origins

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, or why there is none."""
        refusal = self.check(environ)
        return (
            self._app(environ, start_response)
            if refusal is None
            else refuse(refusal, environ, start_response)
        )

    def check(self, environ: WSGIEnvironment) -> Refusal | None:
        """Why a request is refused; None when it is not."""
        host = environ.get("HTTP_HOST", "")
        if host.lower() not in self._hosts:
            expected = f"Expected one of: {', '.join(self._hosts)}."
            return Refusal("421 Misdirected Request", "WrongHost", f"Host is {host!r}. {expected}")
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not self._knows(origin):
            message = f"Origin {origin!r} may not use this port. Expected no web page"
            allowed = sorted(self._origins())
            message += f" but of: {', '.join(allowed)}." if allowed else "."
            return Refusal("403 Forbidden", "ForeignOrigin", message)
        if origin is None and environ.get("HTTP_SEC_FETCH_SITE") in FOREIGN_SITES:
            message = "A web page of elsewhere may not use this port. Open the address by itself."
            return Refusal("403 Forbidden", "ForeignOrigin", message)
        if origin is None and could_be_a_form(environ):
            message = (
                f"Content-Type is {environ.get('CONTENT_TYPE', '')!r}, which any web page could send"
                " here. Expected application/json, a signature or an API key."
            )
            return Refusal("415 Unsupported Media Type", "SimpleContentType", message)
        return None

    def _knows(self, origin: str) -> bool:
        own = {f"http://{host}" for host in self._hosts}
        return origin in own or origin in self._origins()


def could_be_a_form(environ: WSGIEnvironment) -> bool:
    """Whether a web page could have sent the request without asking first."""
    if environ["REQUEST_METHOD"] != "POST" or any(name in environ for name in TELLING_HEADERS):
        return False
    media_type = str(environ.get("CONTENT_TYPE") or "").split(";")[0].strip().lower()
    # What has neither type nor body is no form: `curl -X POST`.
    length = str(environ.get("CONTENT_LENGTH") or "0")
    bare = media_type == "" and length == "0" and "HTTP_TRANSFER_ENCODING" not in environ
    return media_type in SIMPLE_TYPES and not bare


def refuse(
    refusal: Refusal, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """The refusal as JSON; AWS SDKs read the code from its header."""
    error = {"code": refusal.code, "message": refusal.message}
    body = json.dumps({"error": error}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", refusal.code),
    ]
    start_response(refusal.status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
