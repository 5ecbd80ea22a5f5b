"""The Lambda host: runs the application's handlers in this process, as the Lambda service would.

What a Lambda sees and may return is what it sees and may return on AWS: events and results go
through JSON, 6 MB at most, a context with the time left, a time limit. What differs: all functions
share one process, so module state and environment variables are shared (differing values for one
variable are refused), and a handler that runs out of time goes on in the background, because a
thread cannot be killed.

Errors:
    InvokeError   the service refused the call (unknown function, throttled, too large); the caller
                  sees an HTTP status
Handler errors are no exceptions here: they are `Answer(failed=True)` with AWS's error document as
payload.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import re
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from recdrop.local.identity import ACCOUNT, REGION
from recdrop.project import put_on_path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOG = logging.getLogger(__name__)
PAYLOAD_LIMIT = 6 * 1024 * 1024
ASYNC_RETRY_SECONDS = (1.0, 2.0)
LOG_STREAM = "local"
INVOCATIONS = re.compile(r"^/2015-03-31/functions/(.+)/invocations/?$")

Invocation = tuple[str, str]
CURRENT: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)


class InvokeError(Exception):
    """The Lambda service refused the call.

    `code` is the service's error code, `status` its HTTP status.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = str(uuid.uuid4())


@dataclass(frozen=True)
class Function:
    """A deployed function: `handler` is `module.attribute`, `timeout` in seconds, `memory` in MB."""

    name: str
    handler: str
    timeout: int = 60
    memory: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


@dataclass(frozen=True)
class Answer:
    """The outcome of an invocation: JSON bytes, and whether they are a result or an error document."""

    payload: bytes
    failed: bool
    request_id: str


@dataclass(frozen=True)
class Fault:
    """A planned failure of the next `times` invocations of a function whose name contains
    `function`.

    `before` kills the Lambda before its handler has run, `after` when all its side effects are
    done, and `throttle` refuses the call. Step Functions sees `error`: Lambda.Unknown,
    Sandbox.Timedout, Runtime.ExitError, ...
    """

    function: str
    when: Literal["before", "after", "throttle"] = "before"
    error: str = "Lambda.Unknown"
    times: int = 1

    def __post_init__(self) -> None:
        if self.when not in {"before", "after", "throttle"}:
            raise ValueError(
                f"Fault has when={self.when!r}. Expected one of: before, after, throttle."
            )
        if self.times < 1:
            raise ValueError(f"Fault has times={self.times!r}. Expected 1 or more.")


class FaultPlan:
    """The faults still to come, used up in the order in which they were planned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[list[Any]] = []

    def add(self, fault: Fault) -> None:
        """Plan a fault."""
        with self._lock:
            self._left.append([fault, fault.times])

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._left.clear()

    def pending(self) -> list[Fault]:
        """The faults that have not happened yet."""
        with self._lock:
            return [fault for fault, _left in self._left]

    def take(self, function: str) -> Fault | None:
        """The fault of this invocation, if one is planned."""
        with self._lock:
            for entry in self._left:
                fault: Fault = entry[0]
                if fault.function in function:
                    entry[1] -= 1
                    if entry[1] == 0:
                        self._left.remove(entry)
                    return fault
        return None


class Context:
    """What a handler gets as `context`."""

    def __init__(self, function: Function, request_id: str) -> None:
        self.function_name = function.name
        self.function_version = "$LATEST"
        self.invoked_function_arn = function.arn
        self.memory_limit_in_mb = str(function.memory)
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{function.name}"
        self.log_stream_name = LOG_STREAM
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + function.timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time limit."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class LambdaHost:
    """Runs functions by name or ARN. Thread-safe."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self.faults = FaultPlan()
        self._functions: dict[str, Function] = {}
        self._handlers: dict[str, Callable[[Any, Any], Any]] = {}
        self._sleep = sleep
        self._running = 0
        self._changed = threading.Condition()

    def deploy(self, functions: Iterable[Function], project: Path) -> None:
        """Make the functions callable; their handlers are looked up in the project now, so a bad
        name fails here.
        """
        functions = list(functions)
        refuse_differing_environments(functions)
        for function in functions:
            self._functions[function.name] = function
            self._handlers[function.name] = find_handler(function.handler, project)

    def names(self) -> list[str]:
        """The names of the deployed functions, sorted."""
        return sorted(self._functions)

    def get(self, name_or_arn: str) -> Function:
        """The function of a name or an ARN, qualified or not."""
        name = unquote(name_or_arn).split(":function:")[-1].split(":")[0]
        if name not in self._functions:
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
            raise InvokeError(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return self._functions[name]

    def invoke(
        self, name_or_arn: str, payload: bytes = b"{}", patience: float = math.inf
    ) -> Answer:
        """Run the function on a JSON payload and wait for it, at most `patience` seconds and its
        time limit.
        """
        function = self.get(name_or_arn)
        if len(payload) > PAYLOAD_LIMIT:
            raise InvokeError(
                413,
                "RequestTooLargeException",
                f"{len(payload)} byte payload is too large (max {PAYLOAD_LIMIT}).",
            )
        try:
            event = json.loads(payload or b"{}")
        except ValueError as error:
            raise InvokeError(
                400,
                "InvalidRequestContentException",
                f"Could not parse request body into json: {error}",
            ) from error
        fault = self.faults.take(function.name)
        if fault is not None and fault.when == "throttle":
            raise InvokeError(429, "TooManyRequestsException", "Rate Exceeded.")
        request_id = str(uuid.uuid4())
        if fault is not None and fault.when == "before":
            return killed(fault, request_id)
        answer = self._run(function, event, request_id, min(function.timeout, patience))
        return killed(fault, request_id) if fault is not None else answer

    def _run(self, function: Function, event: Any, request_id: str, seconds: float) -> Answer:
        context = Context(function, request_id)
        answers: list[Answer] = []

        def work() -> None:
            CURRENT.set((function.name, request_id))
            with self._counted():
                answers.append(call(self._handlers[function.name], event, context))

        thread = threading.Thread(target=work, name=f"lambda-{function.name}", daemon=True)
        thread.start()
        thread.join(seconds)
        if not answers:
            message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
            return error_answer("Sandbox.Timedout", message, request_id)
        return answers[0]

    def _counted(self) -> _Counted:
        return _Counted(self)

    def invoke_later(self, name_or_arn: str, payload: bytes) -> None:
        """An asynchronous invocation: two retries after a failure, then given up with a log line."""
        function = self.get(name_or_arn)

        def work() -> None:
            with self._counted():
                for pause in (*ASYNC_RETRY_SECONDS, None):
                    answer = self.invoke(function.name, payload)
                    if not answer.failed:
                        return
                    if pause is not None:
                        self._sleep(pause)
                LOG.error(
                    "Gave up on %s after 3 attempts: %s", function.name, answer.payload.decode()
                )

        threading.Thread(target=work, name=f"lambda-async-{function.name}", daemon=True).start()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no handler runs; False when some still does after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, seconds)

    @staticmethod
    def matches(environ: WSGIEnvironment) -> bool:
        """Whether a request on the AWS port is an invocation."""
        return INVOCATIONS.match(environ.get("PATH_INFO", "")) is not None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The Invoke operation over HTTP."""
        found = INVOCATIONS.match(environ["PATH_INFO"])
        name = found[1] if found else ""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            if environ.get("HTTP_X_AMZ_INVOCATION_TYPE") == "DryRun":
                self.get(name)
                return reply(start_response, "204 No Content", b"", {})
            if environ.get("HTTP_X_AMZ_INVOCATION_TYPE") == "Event":
                self.invoke_later(name, body)
                return reply(
                    start_response, "202 Accepted", b"", {"x-amzn-RequestId": str(uuid.uuid4())}
                )
            answer = self.invoke(name, body)
        except InvokeError as error:
            document = json.dumps(
                {"Type": "User", "Message": str(error), "message": str(error)}
            ).encode()
            headers = {"x-amzn-ErrorType": error.code, "x-amzn-RequestId": error.request_id}
            return reply(start_response, f"{error.status} {error.code}", document, headers)
        headers = {"x-amzn-RequestId": answer.request_id, "X-Amz-Executed-Version": "$LATEST"}
        if answer.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        return reply(start_response, "200 OK", answer.payload, headers)


class _Counted:
    """Counts running handlers, so that a stop can wait for them."""

    def __init__(self, host: LambdaHost) -> None:
        self._host = host

    def __enter__(self) -> None:
        with self._host._changed:
            self._host._running += 1

    def __exit__(self, *_: object) -> None:
        with self._host._changed:
            self._host._running -= 1
            self._host._changed.notify_all()


def reply(
    start_response: StartResponse, status: str, body: bytes, headers: Mapping[str, str]
) -> list[bytes]:
    """A JSON answer."""
    start_response(
        status,
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            *headers.items(),
        ],
    )
    return [body]


def call(handler: Callable[[Any, Any], Any], event: Any, context: Context) -> Answer:
    """Run the handler; whatever it raises becomes AWS's error document."""
    request_id = context.aws_request_id
    try:
        result = handler(event, context)
    except (Exception, SystemExit) as error:  # noqa: BLE001  the Lambda runtime catches everything, and so does this
        return error_answer(
            "Runtime.ExitError" if isinstance(error, SystemExit) else type(error).__name__,
            str(error),
            request_id,
            traceback.format_tb(error.__traceback__)[1:],
        )
    try:
        payload = json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return error_answer("Runtime.MarshalError", message, request_id)
    if len(payload) > PAYLOAD_LIMIT:
        message = (
            f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
        )
        return error_answer("Function.ResponseSizeTooLarge", message, request_id)
    return Answer(payload, failed=False, request_id=request_id)


def killed(fault: Fault, request_id: str) -> Answer:
    """What the service says of a Lambda whose sandbox died."""
    message = (
        f"RequestId: {request_id} Error: Runtime exited with error: signal: killed (planned fault)"
    )
    return error_answer(fault.error, message, request_id)


def error_answer(
    kind: str, message: str, request_id: str, trace: list[str] | None = None
) -> Answer:
    """An error document; its `errorType` is the name that Step Functions matches."""
    document: dict[str, Any] = {"errorMessage": message, "errorType": kind, "requestId": request_id}
    if trace is not None:
        document["stackTrace"] = trace
    return Answer(json.dumps(document).encode(), failed=True, request_id=request_id)


def refuse_differing_environments(functions: Iterable[Function]) -> None:
    """All functions share this process: a variable must have the same value in all of them."""
    seen: dict[str, tuple[str, str]] = {}
    for function in functions:
        for key, value in function.environment.items():
            owner, other = seen.setdefault(key, (function.name, value))
            if other != value:
                raise ValueError(
                    f"Environment variable {key!r} is {other!r} in {owner} and {value!r} in {function.name}. "
                    "Expected one value: the local functions share a process."
                )


def find_handler(handler: str, project: Path) -> Callable[[Any, Any], Any]:
    """The callable that `module.attribute` names in the project."""
    module_name, _, attribute = handler.rpartition(".")
    module = import_from(project, module_name)
    found: Any = getattr(module, attribute, None)
    if not callable(found):
        raise TypeError(f"Handler {handler!r} names nothing callable in {module.__file__}.")
    make_thread_safe(found)
    return found  # type: ignore[no-any-return]


def import_from(project: Path, module_name: str) -> Any:
    """Import a top module of the project, even when another project's module of that name is
    loaded.
    """
    forget_module_of_other_project(project, module_name)
    put_on_path(project)
    return importlib.import_module(module_name)


def forget_module_of_other_project(project: Path, module_name: str) -> None:
    """Two projects with an `app.py` may take turns in one process (tests do); move ours to the
    front of the path.
    """
    loaded = sys.modules.get(module_name)
    if loaded is not None and Path(str(loaded.__file__)).resolve().parent != project.resolve():
        del sys.modules[module_name]
        if str(project) in sys.path:
            sys.path.remove(str(project))
        sys.path.insert(0, str(project))


def forget_warm_state(project: Path) -> None:
    """Empty the function caches of the project's modules: clients of a stopped stack must not
    outlive it.
    """
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if (
            not file
            or not Path(file).is_relative_to(project)
            or Path(file).is_relative_to(project / ".venv")
        ):
            continue
        for value in list(vars(module).values()):
            if callable(
                clear := getattr(value, "cache_clear", None)
            ) and not module.__name__.startswith("local"):
                clear()


class ThreadLocalRequest:
    """`current_request` and `lambda_context` per thread: a Chalice object keeps one for all its
    threads.
    """

    _request_local: threading.local

    @property
    def current_request(self) -> Any:
        return getattr(self._request_local, "request", None)

    @current_request.setter
    def current_request(self, request: Any) -> None:
        self._request_local.request = request

    @property
    def lambda_context(self) -> Any:
        return getattr(self._request_local, "context", None)

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._request_local.context = context


def make_thread_safe(handler: Any) -> None:
    """Mix `ThreadLocalRequest` into a Chalice application; other handlers need nothing."""
    if hasattr(handler, "routes") and not isinstance(handler, ThreadLocalRequest):
        handler._request_local = threading.local()
        handler.__class__ = type("LocalChalice", (ThreadLocalRequest, handler.__class__), {})
