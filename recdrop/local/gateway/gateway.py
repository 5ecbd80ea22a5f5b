"""API Gateway for one REST API: HTTP requests to Lambda proxy events and back, by the template.

Kept from the real one: percent-decoded path parameters, multi-value headers and queries, base64 for
binary types, the 10 MB and 6 MB limits, `Missing Authentication Token` for unsigned calls on IAM
routes and for unknown paths, `Forbidden` without an API key of the stage, compression only when the
API asks for it, 502 for a broken answer, 504 after 29 s. Signatures are required, not verified.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from recdrop.local.gateway.answers import HttpAnswer, compress, mock_answer, to_http
from recdrop.local.gateway.errors import GatewayError, missing_token, server_error
from recdrop.local.gateway.requests import Request, authorise, proxy_event, raw_path, read_body
from recdrop.local.gateway.routes import RestApi, Routes
from recdrop.local.lambdas.function import Answer, InvokeError
from recdrop.local.lambdas.host import LambdaHost

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOG = logging.getLogger(__name__)
PATIENCE_SECONDS = 29.0  # API Gateway's longest integration time-out


class Gateway:
    """The WSGI application of the API port."""

    def __init__(
        self, api: RestApi, function: str, lambdas: LambdaHost, origins: Sequence[str] = ()
    ) -> None:
        self._api = api
        self._origins = origins
        self._function = function
        self._lambdas = lambdas
        self._routes = Routes(api.swagger["paths"])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = str(uuid.uuid4())
        try:
            answer = self.answer(environ, request_id)
        except GatewayError as error:
            answer = self.refusal(error)
        accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
        answer = compress(answer, self._api.minimum_compression, accepted)
        length = ("Content-Length", str(len(answer.body)))
        headers = [*answer.headers, length, ("x-amzn-RequestId", request_id)]
        start_response(f"{answer.status} {reason(answer.status)}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def refusal(self, error: GatewayError) -> HttpAnswer:
        """An error of the gateway itself, worded as the template has it."""
        document: dict[str, Any] = {"message": str(error)}
        if self._api.own_errors:
            document = {"error": {"code": error.kind, "message": str(error)}}
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error.kind)]
        if self._api.own_errors and self._origins:
            # A gateway response has fixed headers, so the template names the first page of the list.
            headers += [("Access-Control-Allow-Origin", self._origins[0]), ("Vary", "Origin")]
        return HttpAnswer(error.status, tuple(headers), json.dumps(document).encode())

    def answer(self, environ: WSGIEnvironment, request_id: str) -> HttpAnswer:
        """The answer of the function behind the route.

        Raises:
            GatewayError: the request does not get there, or the function has no answer.
        """
        route, parameters = self._routes.find(raw_path(environ))
        # Methods are case-sensitive, and the template spells them in lower case.
        sent = environ["REQUEST_METHOD"]
        method = sent.lower() if sent.isupper() else ""
        operation = route.methods.get(method, route.methods.get("x-amazon-apigateway-any-method"))
        if operation is None:
            raise missing_token()
        if operation.get("x-amazon-apigateway-integration", {}).get("type") == "mock":
            return mock_answer(operation)
        # Who calls comes before what is sent: an unsigned call is refused whatever its body.
        identity = authorise(operation, environ, self._api.keys)
        body = read_body(environ, self._api)
        request = Request(request_id, environ, route, parameters, identity, body)
        answer = self.invoke(proxy_event(request, self._api))
        return to_http(json.loads(answer.payload), self._api, environ.get("HTTP_ACCEPT", ""))

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """The function's answer.

        Raises:
            GatewayError: 502 and 504 when it has none, 413, 429 and 500 when it was not called.
        """
        payload = json.dumps(event).encode()
        try:
            answer = self._lambdas.invoke(self._function, payload, PATIENCE_SECONDS)
        except InvokeError as error:
            LOG.warning("The API's function was not invoked: %s", error)
            if error.status not in {413, 429}:
                raise GatewayError(500, error.code, "Internal server error") from error
            raise GatewayError(error.status, error.code, str(error)) from error
        if not answer.failed:
            return answer
        LOG.error("The API's function failed: %s", answer.payload.decode())
        if b'"Sandbox.Timedout"' in answer.payload:
            raise GatewayError(504, "IntegrationTimeoutException", "Endpoint request timed out")
        raise server_error()


def reason(status: int) -> str:
    """The reason phrase of a status; a made-up status has none of its own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
