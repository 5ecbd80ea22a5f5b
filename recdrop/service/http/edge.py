"""A service as a WSGI application: which requests are its own, and how they are answered."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from recdrop.service.errors import ServiceError, UnmodelledError
from recdrop.service.http.faults import Faults, Planned
from recdrop.service.http.rates import Rates
from recdrop.service.resources.lifecycle import Fate
from recdrop.service.wire.messages import Reply, answer, json_reply, parse, refuse
from recdrop.service.wire.specification import Operation, Specification

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
MAX_BODY = 6 * 1024 * 1024
FAULT_HEADER = "HTTP_X_RECDROP_FAULT"

# Operation, request, and what is planned for what it begins; answers the document.
Handle = Callable[[Operation, Mapping[str, Any], Fate], Mapping[str, Any]]
# Operation, body, status and seconds of a request that was answered.
Observe = Callable[[Operation, bytes, int, float], None]


class Shelf(Protocol):
    """Files by name. Both may raise ServiceError."""

    def get(self, name: str) -> bytes: ...
    def put(self, name: str, content: bytes) -> object: ...


class Edge:
    """Between HTTP and `handle`, which answers a validated request or raises ServiceError.

    `invalid` makes the service's own error of what its model does not allow. A plan of faults is
    put to the path `/_<service>/faults`; each of `pages` is answered as JSON at `/_<service>/<page>`.
    Each of `shelves` takes and gives files at `/_<service>/<shelf>/<name>`, whatever their size.
    `observe` is told of every answer.
    """

    def __init__(
        self,
        specification: Specification,
        handle: Handle,
        *,
        faults: Faults,
        rates: Rates,
        invalid: Callable[[str], ServiceError],
        pages: Mapping[str, Callable[[], object]] | None = None,
        shelves: Mapping[str, Shelf] | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._specification = specification
        self._handle = handle
        self._faults = faults
        self._rates = rates
        self._invalid = invalid
        self._shelves = {
            f"/_{specification.name}/{name}/": shelf for name, shelf in (shelves or {}).items()
        }
        self._observe = observe
        self._faults_path = f"/_{specification.name}/faults"
        self._pages = {
            f"/_{specification.name}/{name}": show for name, show in (pages or {}).items()
        }

    def matches(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is for this service.

        Its target header says so, or its path where the signature allows it.
        """
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target:
            return str(target).startswith(self._specification.target_prefix)
        path = environ.get("PATH_INFO", "")
        if path == self._faults_path or path in self._pages or self._shelf(path):
            return True
        scope = environ.get("HTTP_AUTHORIZATION", "")
        # A browser's upload to a bucket that is named like a path of ours.
        is_form = str(environ.get("CONTENT_TYPE", "")).startswith("multipart/")
        is_ours = f"/{self._specification.name}/aws4_request" in scope or not (scope or is_form)
        method = environ.get("REQUEST_METHOD", "")
        return is_ours and self._specification.find(None, method, path) is not None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if shelf := self._shelf(path):
            reply = self._hand(shelf, environ["REQUEST_METHOD"], path, environ)
        elif path in self._pages:
            reply = json_reply(200, self._pages[path]())
        elif path == self._faults_path:
            reply = self._faults.administer(environ["REQUEST_METHOD"], _body(environ))
        else:
            reply = self._reply(environ)
        start_response(f"{reply.status} {_REASONS.get(reply.status, 'Error')}", list(reply.headers))
        return [reply.body]

    def _shelf(self, path: str) -> Shelf | None:
        return next((it for at, it in self._shelves.items() if path.startswith(at)), None)

    def _hand(self, shelf: Shelf, method: str, path: str, environ: WSGIEnvironment) -> Reply:
        """GET a file, or PUT one; a refusal is JSON, as that of a fault plan is."""
        name = path.rpartition("/")[2]
        try:
            if method == "PUT":
                return json_reply(200, shelf.put(name, _body(environ, limit=None)))
            content = shelf.get(name)
        except ServiceError as error:
            document = {"error": {"code": error.code, "message": str(error)}}
            return json_reply(error.status, document)
        length = str(len(content))
        headers = (("Content-Type", "application/octet-stream"), ("Content-Length", length))
        return Reply(200, headers, content)

    def _reply(self, environ: WSGIEnvironment) -> Reply:
        target = environ.get("HTTP_X_AMZ_TARGET")
        path = str(environ.get("PATH_INFO", ""))
        operation = self._specification.find(target, environ["REQUEST_METHOD"], path)
        request_id = str(uuid.uuid4())
        if operation is None:
            return refuse(None, _unknown(target or path), request_id)
        began = time.monotonic()
        try:
            body = _body(environ)
        except ServiceError as error:
            return refuse(operation, error, request_id)
        reply = self._perform(operation, environ, body, request_id)
        if self._observe is not None:
            self._observe(operation, body, reply.status, time.monotonic() - began)
        return reply

    def _perform(
        self, operation: Operation, environ: WSGIEnvironment, body: bytes, request_id: str
    ) -> Reply:
        try:
            planned = self._faults.next_for(operation.name, environ.get(FAULT_HEADER))
            planned.before(environ)
            document = self._answer(operation, body, planned)
            planned.after(environ)
            return answer(operation, document, request_id)
        except ServiceError as error:
            return refuse(operation, error, request_id)
        except Exception:  # noqa: BLE001 - the edge: logged with its trace, answered as AWS does
            _log.exception("%s failed", operation.name)
            failure = UnmodelledError(
                "InternalFailure", "Internal failure, see the server's log.", 500
            )
            return refuse(operation, failure, request_id)

    def _answer(self, operation: Operation, body: bytes, planned: Planned) -> Mapping[str, Any]:
        request = parse(operation, body, self._invalid)
        self._rates.check(operation.name, request)
        return self._handle(operation, request, planned.fate)


def _unknown(asked: str) -> ServiceError:
    return UnmodelledError("UnknownOperationException", f"There is no operation {asked}.")


_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


def _body(environ: WSGIEnvironment, limit: int | None = MAX_BODY) -> bytes:
    if environ.get("wsgi.input_terminated"):  # a chunked body
        chunked: bytes = environ["wsgi.input"].read(-1 if limit is None else limit)
        return chunked
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if limit is not None and length > limit:
        raise UnmodelledError(
            "RequestEntityTooLargeException",
            f"The body has {length} bytes, at most {limit}.",
            413,
        )
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body
