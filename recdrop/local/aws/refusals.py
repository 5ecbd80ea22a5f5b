"""Errors that every AWS client can read, whatever protocol it speaks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FORM = "application/x-www-form-urlencoded"
RETRY_SECONDS = 1


def error_document(environ: WSGIEnvironment, code: str, message: str) -> tuple[str, str]:
    """Content type and text of an error: XML for S3 and the query services, else JSON."""
    content_type = environ.get("CONTENT_TYPE") or ""
    if "json" in content_type or "HTTP_X_AMZ_TARGET" in environ:
        return "application/json", json.dumps({"__type": code, "message": message})
    error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    if content_type.startswith(FORM):
        request = f"<RequestId>{uuid.uuid4()}</RequestId>"
        return "text/xml", f"<ErrorResponse>{error}{request}</ErrorResponse>"
    return "text/xml", error


def not_ready(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """503 while the stack is starting; SDKs try again by themselves."""
    code = "ServiceUnavailable"
    message = "The local stack is starting; its data is not back yet. Try again in a second."
    content_type, text = error_document(environ, code, message)
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(text))),
        ("x-amzn-ErrorType", code),
        ("Retry-After", str(RETRY_SECONDS)),
    ]
    start_response("503 Service Unavailable", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [text.encode()]
