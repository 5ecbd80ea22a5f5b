"""One request to one response, whatever happens in between.

    @app.route("/recommendations/{user}", api_key_required=True)
    def recommendations(user):
        return http.answer(app.current_request, lambda api: api.recommendations, user, key="read")

Every error becomes `{"error": {"code", "message"}}` with the status of its class
(serving/errors.py), CORS headers included, never with a stack trace. What no class covers is a bug:
500, logged by type and place without the message, which might hold ids of people. Each request
leaves a line in the log, which names the route's template, never the path.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from chalice.app import Response

from chalicelib.api import access
from chalicelib.api.access import Key
from chalicelib.api.reply import Reply, from_aws_error, to_reply
from chalicelib.api.request import Call, ChaliceRequest, decode_path
from chalicelib.errors import AwsError, ConfigurationError, DocumentUnreadable
from chalicelib.serving.errors import ApiError, Failed
from chalicelib.settings import Settings
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from chalicelib.api.routes import Api

# Lambda's answers end at 6 MB.
MAX_ANSWER_BYTES = 5_500_000
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
SETTINGS = Settings()

Route = Callable[..., object]  # a method of Api, called with the Call and the path's parameters


@cache
def open_api() -> Api:
    """The API of this process, made when its first request comes; a failure is not kept.

    Imported here, because every Lambda imports this module and only one answers requests.
    """
    from chalicelib.api.routes import Api
    from chalicelib.context import open_context

    return Api.over(open_context())


def answer(
    request: ChaliceRequest,
    route: Callable[[Api], Route],
    *path: str,
    key: Key | None = None,
    api: Callable[[], Api] = open_api,
    settings: Settings = SETTINGS,
) -> Response:
    """What the route answers, or why it does not, as JSON.

    `path` are the path's parameters as API Gateway gives them, percent-encoded. `key` is the API key
    that the route wants. The API is opened in here, so that a deployment that is not complete is
    answered like any other failure.
    """
    call = Call(request)

    def ask() -> Reply:
        if key is not None:
            access.check_key(call, key, settings)
        parameters = [decode_path(value, "path") for value in path]
        result = route(api())(call, *parameters)
        return result if isinstance(result, Reply) else Reply(200, result)

    return _respond(call, _attempt(call, ask), settings)


def preflight(request: ChaliceRequest, settings: Settings = SETTINGS) -> Response:
    """What a browser is told before a page may send its request."""
    call = Call(request)
    return _respond(call, _attempt(call, lambda: access.preflight(call, settings)), settings)


def _attempt(call: Call, ask: Callable[[], Reply]) -> Reply:
    """What `ask` answers, or its failure as an answer."""
    try:
        return ask()
    except ApiError as error:
        return to_reply(error)
    except AwsError as error:
        return to_reply(from_aws_error(error))
    except (ConfigurationError, DocumentUnreadable) as error:
        # These messages are about the deployment, not about a person: the log names what is missing.
        logger.error("misconfigured", extra={"reason": str(error), **_correlation(call)})
    except Exception as error:  # noqa: BLE001 - the outermost edge: no trace goes to the caller
        log_bug(error, call)
    return to_reply(Failed("An internal error occurred. It is logged under the request's id."))


def _respond(call: Call, reply: Reply, settings: Settings) -> Response:
    """The reply as a response, and a line in the log."""
    body = b"" if reply.payload is None else msgspec.json.encode(reply.payload)
    if len(body) > MAX_ANSWER_BYTES:
        too_large = f"The answer is larger than {MAX_ANSWER_BYTES:,} bytes. Ask for less."
        return _respond(call, to_reply(Failed(too_large)), settings)
    _log(call, reply)
    headers = {**HEADERS, **access.cors_headers(call, settings), **reply.headers}
    return Response(body=body.decode(), status_code=reply.status, headers=headers)


def _log(call: Call, reply: Reply) -> None:
    """Route, status and code. Neither path nor message: both may repeat an id of the caller's."""
    fields: dict[str, object] = {"route": call.route, "method": call.method, "status": reply.status}
    if isinstance(reply.payload, dict) and "error" in reply.payload:
        fields["code"] = reply.payload["error"]["code"]
    logger.info("answered", extra={**fields, **_correlation(call)})


def log_bug(error: Exception, call: Call) -> None:
    """Type and place of an uncaught exception; neither its message nor the request's data."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
    fields = {"error": type(error).__name__, "where": where}
    logger.error("uncaught", extra={**fields, **_correlation(call)})


def _correlation(call: Call) -> dict[str, str]:
    """Ids of the request, and of Snowflake's query and batch."""
    fields = {
        "request_id": call.request.context.get("requestId"),
        "query_id": call.header("sf-external-function-current-query-id"),
        "batch_id": call.header("sf-external-function-query-batch-id"),
    }
    return {name: value for name, value in fields.items() if value is not None}
