"""Who may call a route with which API key, and which web pages may read its answers.

API Gateway checks that a key is one of the stage's, not which: a usage plan opens the whole stage, and
its throttle may not be used to close a method (the guide calls plans best effort). So each route that
wants a key says here whether it reads or writes, and the key's id, which API Gateway puts into the
request's context and no caller can set, is compared with the one of the template.

A preflight is answered by us too: a mock integration has one fixed origin, and the list is a parameter.
"""

from __future__ import annotations

from typing import Literal

from chalicelib.api.reply import Reply
from chalicelib.api.request import Call
from chalicelib.serving.errors import Forbidden
from chalicelib.settings import Settings

Key = Literal["read", "write"]
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET,POST,OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type,X-Api-Key",
    "Access-Control-Max-Age": "600",
}


def check_key(call: Call, wanted: Key, settings: Settings) -> None:
    """Let the request pass if it was made with the key that the route wants.

    Raises:
        Forbidden: it was made with another key, or with none.
        ConfigurationError: the template names no such key: nobody passes.
    """
    expected = settings.read_key_id if wanted == "read" else settings.write_key_id
    identity = call.request.context.get("identity") or {}
    if identity.get("apiKeyId") != expected:
        raise Forbidden(f"This route wants the {wanted} key in the header x-api-key.")


def preflight(call: Call, settings: Settings) -> Reply:
    """What a browser asks before a page may send a request; it brings no key.

    Raises:
        Forbidden: the page's origin is not one of the parameter's.
    """
    if not is_allowed(call, settings):
        raise Forbidden("No web page of this origin may use the API. The parameter is CorsOrigins.")
    return Reply(204, None, PREFLIGHT_HEADERS)


def cors_headers(call: Call, settings: Settings) -> dict[str, str]:
    """What lets the page that asked read the answer; nothing for any other."""
    # A cache must not hand an answer for one page to another.
    vary = {"Vary": "Origin"}
    if not is_allowed(call, settings):
        return vary
    return {**vary, "Access-Control-Allow-Origin": str(call.header("origin"))}


def is_allowed(call: Call, settings: Settings) -> bool:
    """Whether the request comes from a page of an allowed origin."""
    return call.header("origin") in settings.cors_origins
