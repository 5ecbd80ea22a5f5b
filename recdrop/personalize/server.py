"""The local Amazon Personalize as a WSGI application.

server = PersonalizeServer(Path("data"), s3_endpoint="http://127.0.0.1:4566")
server.matches(environ)                     # is this request ours?
server(environ, start_response)             # answer it
server.close()
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recdrop.personalize.catalog import load_catalog
from recdrop.personalize.clock import Clock, SystemClock
from recdrop.personalize.errors import ServiceError, UnmodelledError
from recdrop.personalize.faults import Faults, Planned
from recdrop.personalize.jobs import Runner
from recdrop.personalize.latency import QUICK, Latency, preset
from recdrop.personalize.quotas import Quotas, load_quotas
from recdrop.personalize.rates import Rates
from recdrop.personalize.service import Service
from recdrop.personalize.specification import Operation
from recdrop.personalize.wire import (
    MAX_BODY,
    TARGET_PREFIX,
    Reply,
    answer,
    find_operation,
    parse,
    refuse,
)
from recdrop.personalize.world import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
FAULT_HEADER = "HTTP_X_RECDROP_FAULT"
ADMIN_FAULTS = "/_personalize/faults"


class PersonalizeServer:
    """Keeps everything in `data_dir`; `latency` is a preset name (instant, quick, realistic) or a
    Latency.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        s3_endpoint: str | None,
        region: str = "us-east-1",
        account: str = "000000000000",
        latency: Latency | str = QUICK,
        seed: int = 0,
        clock: Clock | None = None,
        quotas: Quotas | None = None,
        faults: Faults | None = None,
        slots: int | None = None,
        training_seconds: float = 30.0,
        mixed_filters: bool = False,
        make_runner: Callable[[], Runner] | None = None,
        threads: bool = True,
    ) -> None:
        settings = Settings(
            data_dir=data_dir.absolute(),
            s3_endpoint=s3_endpoint,
            region=region,
            account=account,
            seed=seed,
            latency=preset(latency) if isinstance(latency, str) else latency,
            quotas=quotas or load_quotas(),
            catalog=load_catalog(),
            training_seconds=training_seconds,
            mixed_filters=mixed_filters,
        )
        self.faults = faults or Faults()
        self._rates = Rates(settings.quotas)
        self.service = Service(settings, clock or SystemClock(), make_runner)
        if threads:
            self.service.start(slots)

    def matches(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is for Personalize: by its target header, or by path where the
        signature allows it.
        """
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target:
            return str(target).startswith(TARGET_PREFIX)
        path = environ.get("PATH_INFO", "")
        if path == ADMIN_FAULTS:
            return True
        scope = environ.get("HTTP_AUTHORIZATION", "")
        is_form = str(environ.get("CONTENT_TYPE", "")).startswith(
            "multipart/"
        )  # a browser's upload to a bucket of that name
        is_ours = "/personalize/aws4_request" in scope or not (scope or is_form)
        return is_ours and find_operation(None, environ.get("REQUEST_METHOD", ""), path) is not None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == ADMIN_FAULTS:
            reply = self.faults.administer(environ["REQUEST_METHOD"], _body(environ))
        else:
            reply = self._reply(environ)
        start_response(f"{reply.status} {_REASONS.get(reply.status, 'Error')}", list(reply.headers))
        return [reply.body]

    def close(self) -> None:
        self.service.close()

    def _reply(self, environ: WSGIEnvironment) -> Reply:
        request_id = str(uuid.uuid4())
        target = environ.get("HTTP_X_AMZ_TARGET")
        operation = find_operation(target, environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
        try:
            if operation is None:
                return refuse(None, _unknown(target or str(environ.get("PATH_INFO"))), request_id)
            planned = self.faults.next_for(operation.name, environ.get(FAULT_HEADER))
            planned.before(environ)
            document = self._answer(operation, _body(environ), planned)
            planned.after(environ)
            return answer(operation, document, request_id)
        except ServiceError as error:
            return refuse(operation, error, request_id)
        except Exception:  # noqa: BLE001 - the edge: logged with its trace, answered as the service does
            _log.exception("%s failed", operation and operation.name)
            failure = UnmodelledError(
                "InternalFailure", "Internal failure, see the server's log.", 500
            )
            return refuse(operation, failure, request_id)

    def _answer(self, operation: Operation, body: bytes, planned: Planned) -> Mapping[str, Any]:
        request = parse(operation, body)
        self._rates.check(operation.name, request)
        return self.service.handle(operation, request, planned.job_failure)


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


def _body(environ: WSGIEnvironment) -> bytes:
    if environ.get("wsgi.input_terminated"):  # a chunked body
        chunked: bytes = environ["wsgi.input"].read(MAX_BODY)
        return chunked
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > MAX_BODY:
        raise UnmodelledError(
            "RequestEntityTooLargeException",
            f"The body has {length} bytes, at most {MAX_BODY}.",
            413,
        )
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body
