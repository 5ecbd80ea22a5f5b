"""What the API port answers before the stack is ready: 503 for every route, `/health` included."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

RETRY_SECONDS = 1
MESSAGE = "The local stack is starting; its data is not back yet. Try again in a second."
DOCUMENT = json.dumps({"error": {"code": "Unavailable", "message": MESSAGE}}).encode()


def starting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The WSGI application of the API port until the gateway takes its place.

    Without it a stack that is still reading its data folder would say that it is well and that
    nobody has recommendations, and a cache in front would keep that.
    """
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(DOCUMENT))),
        ("Retry-After", str(RETRY_SECONDS)),
        ("Cache-Control", "no-store"),
    ]
    start_response("503 Service Unavailable", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [DOCUMENT]
