"""One handler call to one HTTP response.

    @app.route("/recommendations/{user}", cors=True)
    def recommendations(user):
        return http.answer(app.current_request, api().recommendations, user)

Every error becomes `{"error": {"code", "message"}}` with the status of its class (errors.py), CORS
headers included, never with a stack trace. What no class covers is a bug: 500, logged by type and
place, without the message, which might hold ids of people.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chalice import Response

from chalicelib.serving.errors import ApiError, BadRequest, Failed, TooManyRequests, Unavailable
from chalicelib.serving.request import Call, ChaliceRequest, decode_path
from chalicelib.serving.runtime import CallError, Refused, Throttled
from chalicelib.telemetry import logger

# Lambda's answers end at 6 MB.
MAX_ANSWER_BYTES = 5_500_000
HEADERS = {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Reply:
    """A payload with a status other than 200."""

    status: int
    payload: object
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(request: ChaliceRequest, handler: Callable[..., object], *path: str) -> Response:
    """Call `handler(call, *path)` with percent-decoded path parameters; its result, or its error,
    as JSON.
    """
    call = Call(request)
    try:
        result = handler(call, *(decode_path(value, "path") for value in path))
        reply = result if isinstance(result, Reply) else Reply(200, result)
        return _respond(reply)
    except ApiError as error:
        return _refuse(call, error)
    except CallError as error:
        return _refuse(call, from_call_error(error))
    except Exception as error:  # noqa: BLE001 - the outermost edge: a bug must not show its trace to the caller
        log_bug(error, call)
        return _respond(
            to_reply(Failed("An internal error occurred. It is logged under the request's id."))
        )


def _refuse(call: Call, error: ApiError) -> Response:
    """The error as a response, and a line in the log without its message, which may repeat what the
    caller sent.
    """
    fields = {"route": call.request.path, "status": error.status, "code": error.code}
    logger.info("refused", extra={**fields, **_correlation(call)})
    return _respond(to_reply(error))


def to_reply(error: ApiError) -> Reply:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return Reply(
        error.status,
        {"error": {"code": error.code, "message": error.message, **error.details}},
        headers,
    )


def from_call_error(error: CallError) -> ApiError:
    """A service's failure as a status: throttled 429, refused 400, anything else 503."""
    if isinstance(error, Throttled):
        return TooManyRequests(f"The service is overloaded ({error.code}).", retry_after=1)
    if isinstance(error, Refused):
        return BadRequest(f"The service refused the request: {error.message}")
    return Unavailable(f"The service does not answer ({error.code}).", retry_after=5)


def _respond(reply: Reply) -> Response:
    import msgspec  # late: every Lambda imports this module, only the API's answers

    body = msgspec.json.encode(reply.payload)
    if len(body) > MAX_ANSWER_BYTES:
        return _respond(
            to_reply(Failed(f"The answer is larger than {MAX_ANSWER_BYTES:,} bytes. Ask for less."))
        )
    return Response(
        body=body.decode(), status_code=reply.status, headers={**HEADERS, **reply.headers}
    )


def log_bug(error: Exception, call: Call) -> None:
    """Type, place and correlation ids of an uncaught exception; neither its message nor the
    request's data.
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
    logger.error(
        "uncaught", extra={"error": type(error).__name__, "where": where, **_correlation(call)}
    )


def _correlation(call: Call) -> dict[str, str]:
    """Ids of the request, and of Snowflake's query and batch."""
    fields = {
        "request_id": call.request.context.get("requestId"),
        "query_id": call.header("sf-external-function-current-query-id"),
        "batch_id": call.header("sf-external-function-query-batch-id"),
    }
    return {name: value for name, value in fields.items() if value is not None}
