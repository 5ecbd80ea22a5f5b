"""The stack's own requests on the AWS port, below `/_recdrop/`.

They say whether it is ready and what runs where, read logs, plan faults and stop the stack. They
exist only here; everything else on the port is AWS's API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from recdrop.local.lambdas.faults import Fault, FaultPlan

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from recdrop.local.lambdas.logs import Line

PREFIX = "/_recdrop/"


class Control:
    """Answers `/_recdrop/...`."""

    def __init__(
        self,
        describe: Callable[[], Mapping[str, Any]],
        read_logs: Callable[..., list[Line]],
        faults: FaultPlan,
        stop: Callable[[], None],
    ) -> None:
        self._read_logs = read_logs
        self._describe = describe
        self._faults = faults
        self._stop = stop

    @staticmethod
    def matches(environ: WSGIEnvironment) -> bool:
        """Whether a request is for the stack itself."""
        return str(environ.get("PATH_INFO", "")).startswith(PREFIX)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with JSON."""
        if "HTTP_ORIGIN" in environ:
            # The guard of the port lets in a page that the port itself served, such as an object of
            # a bucket. It may not stop or break the stack either.
            message = "These requests are not for web pages. Expected no Origin header."
            document: Any = {"error": {"code": "Forbidden", "message": message}}
            return reply(start_response, "403 Forbidden", document)
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'].removeprefix(PREFIX)}"
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        status, document = self.answer(request, body, query)
        return reply(start_response, status, document)

    def answer(self, request: str, body: bytes, query: Mapping[str, str]) -> tuple[str, Any]:
        """Status and document of one request."""
        match request:
            case "GET health":
                description = self._describe()
                status = "200 OK" if description["ready"] else "503 Service Unavailable"
                return status, description
            case "GET logs":
                lines = self._read_logs(
                    int(query.get("after", "0")),
                    query.get("function", ""),
                    query.get("contains", ""),
                    int(query.get("limit", "1000")),
                )
                return "200 OK", {"lines": [asdict(line) for line in lines]}
            case "GET faults":
                return "200 OK", {"faults": [asdict(fault) for fault in self._faults.pending()]}
            case "POST faults":
                return self.add_fault(body)
            case "DELETE faults":
                self._faults.clear()
                return "200 OK", {"faults": []}
            case "POST stop":
                self._stop()
                return "202 Accepted", {"stopping": True}
        expected = "GET health, GET logs, GET|POST|DELETE faults or POST stop"
        message = f"No {request!r} here. Expected {expected}."
        return "404 Not Found", {"error": {"code": "NotFound", "message": message}}

    def add_fault(self, body: bytes) -> tuple[str, Any]:
        """Plan a fault from `{"function", "when", "error", "times"}`."""
        try:
            fault = Fault(**json.loads(body))
        except (TypeError, ValueError) as error:
            return "400 Bad Request", {"error": {"code": "BadFault", "message": str(error)}}
        self._faults.add(fault)
        return "201 Created", asdict(fault)


def reply(start_response: StartResponse, status: str, document: Any) -> list[bytes]:
    """A JSON answer."""
    body = json.dumps(document).encode()
    start_response(
        status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]
