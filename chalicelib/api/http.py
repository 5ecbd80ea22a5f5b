"""One request to one response, whatever happens in between.

    @app.route("/recommendations/{user}", cors=True)
    def recommendations(user):
        return http.answer(app.current_request, lambda api: api.recommendations, user)

Every error becomes `{"error": {"code", "message"}}` with the status of its class
(serving/errors.py), CORS headers included, never with a stack trace. What no class covers is a bug:
500, logged by type and place without the message, which might hold ids of people.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from chalice.app import Response

from chalicelib.api.reply import Reply, from_aws_error, to_reply
from chalicelib.api.request import Call, ChaliceRequest, decode_path
from chalicelib.errors import AwsError, ConfigurationError, DocumentUnreadable
from chalicelib.serving.errors import ApiError, Failed
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from chalicelib.api.routes import Api

# Lambda's answers end at 6 MB.
MAX_ANSWER_BYTES = 5_500_000
HEADERS = {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
}

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
    api: Callable[[], Api] = open_api,
) -> Response:
    """What the route answers, or why it does not, as JSON.

    `path` are the path's parameters as API Gateway gives them, percent-encoded. The API is opened
    in here, so that a deployment that is not complete is answered like any other failure.
    """
    call = Call(request)
    try:
        parameters = [decode_path(value, "path") for value in path]
        result = route(api())(call, *parameters)
        return _respond(result if isinstance(result, Reply) else Reply(200, result))
    except ApiError as error:
        return _refuse(call, error)
    except AwsError as error:
        return _refuse(call, from_aws_error(error))
    except (ConfigurationError, DocumentUnreadable) as error:
        # These messages are about the deployment, not about a person: the log names what is missing.
        logger.error("misconfigured", extra={"reason": str(error), **_correlation(call)})
    except Exception as error:  # noqa: BLE001 - the outermost edge: no trace goes to the caller
        log_bug(error, call)
    return _respond(
        to_reply(Failed("An internal error occurred. It is logged under the request's id."))
    )


def _refuse(call: Call, error: ApiError) -> Response:
    """The error as a response, and a line in the log.

    The log gets no message: it may repeat what the caller sent.
    """
    fields = {"route": call.request.path, "status": error.status, "code": error.code}
    logger.info("refused", extra={**fields, **_correlation(call)})
    return _respond(to_reply(error))


def _respond(reply: Reply) -> Response:
    body = msgspec.json.encode(reply.payload)
    if len(body) > MAX_ANSWER_BYTES:
        too_large = f"The answer is larger than {MAX_ANSWER_BYTES:,} bytes. Ask for less."
        return _respond(to_reply(Failed(too_large)))
    headers = {**HEADERS, **reply.headers}
    return Response(body=body.decode(), status_code=reply.status, headers=headers)


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
