"""The Invoke operation of the Lambda service, over HTTP."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from recdrop.local.lambdas.function import InvokeError
from recdrop.local.lambdas.host import LambdaHost

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

INVOCATIONS = re.compile(r"^/2015-03-31/functions/(.+)/invocations/?$")
REQUEST_ID = "x-amzn-RequestId"


class InvokeApi:
    """Answers `POST /2015-03-31/functions/<name>/invocations`."""

    def __init__(self, host: LambdaHost) -> None:
        self._host = host

    @staticmethod
    def matches(environ: WSGIEnvironment) -> bool:
        """Whether a request on the AWS port is an invocation."""
        return INVOCATIONS.match(environ.get("PATH_INFO", "")) is not None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Invoke, or say why not."""
        found = INVOCATIONS.match(environ["PATH_INFO"])
        name = found[1] if found else ""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
        try:
            status, headers, answer = self._invoke(kind, name, body)
        except InvokeError as error:
            message = str(error)
            # AWS spells the key both ways, and its SDKs read one or the other.
            document = {"Type": "User", "Message": message, "message": message}
            status, answer = f"{error.status} {error.code}", json.dumps(document).encode()
            headers = {"x-amzn-ErrorType": error.code, REQUEST_ID: error.request_id}
        sent = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer)),
            **headers,
        }
        start_response(status, list(sent.items()))
        return [answer]

    def _invoke(self, kind: str, name: str, body: bytes) -> tuple[str, dict[str, str], bytes]:
        """Status, headers and body of an invocation of a kind."""
        if kind == "DryRun":
            self._host.get(name)
            return "204 No Content", {}, b""
        if kind == "Event":
            self._host.invoke_later(name, body)
            return "202 Accepted", {REQUEST_ID: str(uuid.uuid4())}, b""
        answer = self._host.invoke(name, body)
        headers = {REQUEST_ID: answer.request_id, "X-Amz-Executed-Version": "$LATEST"}
        if answer.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        return "200 OK", headers, answer.payload
