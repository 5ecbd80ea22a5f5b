"""The Lambda host: runs the application's handlers in this process, as the Lambda service would.

What a Lambda sees and may return is what it sees and may return on AWS: events and results go
through JSON, 6 MB at most, a context with the time left, a time limit. What differs: all functions
share one process, so module state and environment variables are shared (differing values for one
variable are refused), and a handler that runs out of time goes on in the background, because a
thread cannot be killed. Functions that were not deployed with the application are run by
`recdrop.local.lambdas.foreign`, in processes of their own.

Errors:
    InvokeError   the service refused the call (unknown function, throttled, too large); the caller
                  sees an HTTP status
Handler errors are no exceptions here: they are `Answer(failed=True)` with AWS's error document as
payload.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from recdrop.local.aws.identity import ACCOUNT, REGION
from recdrop.local.lambdas.faults import FaultPlan, killed
from recdrop.local.lambdas.foreign import ForeignHost
from recdrop.local.lambdas.function import Answer, Context, Function, InvokeError, error_answer
from recdrop.local.lambdas.handlers import find_handler

LOG = logging.getLogger(__name__)
PAYLOAD_LIMIT = 6 * 1024 * 1024
ASYNC_RETRY_SECONDS = (1.0, 2.0)
Invocation = tuple[str, str]
CURRENT: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)


class LambdaHost:
    """Runs functions by name or ARN. Thread-safe."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self.faults = FaultPlan()
        self.foreign = ForeignHost()
        self._functions: dict[str, Function] = {}
        self._handlers: dict[str, Callable[[Any, Any], Any]] = {}
        self._sleep = sleep
        self._running = 0
        self._changed = threading.Condition()

    def deploy(self, functions: Iterable[Function], project: Path) -> None:
        """Make the functions callable.

        Their handlers are looked up in the project now, so that a bad name fails here.
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
        if name in self._functions:
            return self._functions[name]
        zipped = self.foreign.find(name)
        if zipped is None:
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
            raise InvokeError(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return zipped.function

    def invoke(
        self, name_or_arn: str, payload: bytes = b"{}", patience: float = math.inf
    ) -> Answer:
        """Run the function on a JSON payload and wait for its answer.

        Waits for `patience` seconds or the function's time limit, whichever is shorter.

        Raises:
            InvokeError: the service refused the call.
        """
        function = self.get(name_or_arn)
        event = read_event(payload)
        fault = self.faults.take(function.name)
        if fault is not None and fault.when == "throttle":
            raise InvokeError(429, "TooManyRequestsException", "Rate Exceeded.")
        request_id = str(uuid.uuid4())
        if fault is not None and fault.when == "before":
            return killed(fault, request_id)
        answer = self._run(function, event, request_id, min(function.timeout, patience))
        # Killed "after": the work is done, but nobody hears of it.
        return killed(fault, request_id) if fault is not None else answer

    def _run(self, function: Function, event: Any, request_id: str, seconds: float) -> Answer:
        if function.name not in self._functions and (zipped := self.foreign.find(function.name)):
            with self._counted():
                return self.foreign.run(zipped, event, request_id, seconds)
        context = Context(function, request_id)
        answers: list[Answer] = []

        def work() -> None:
            CURRENT.set((function.name, request_id))
            with self._counted():
                answers.append(call(self._handlers[function.name], event, context))

        thread = threading.Thread(target=work, name=f"lambda-{function.name}", daemon=True)
        thread.start()
        thread.join(seconds)
        # A thread cannot be killed: a handler that is late goes on, and its answer is dropped.
        if not answers:
            message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
            return error_answer("Sandbox.Timedout", message, request_id)
        return answers[0]

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Counts a running handler, so that a stop can wait for it."""
        with self._changed:
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

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


def read_event(payload: bytes) -> Any:
    """The event of a JSON payload.

    Raises:
        InvokeError: 413, more than 6 MB; 400, not JSON.
    """
    if len(payload) > PAYLOAD_LIMIT:
        message = f"{len(payload)} byte payload is too large (max {PAYLOAD_LIMIT})."
        raise InvokeError(413, "RequestTooLargeException", message)
    try:
        return json.loads(payload or b"{}")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise InvokeError(400, "InvalidRequestContentException", message) from error


def call(handler: Callable[[Any, Any], Any], event: Any, context: Context) -> Answer:
    """Run the handler; whatever it raises becomes AWS's error document."""
    request_id = context.aws_request_id
    try:
        result = handler(event, context)
    except SystemExit as error:
        return error_answer("Runtime.ExitError", str(error), request_id, trace_of(error))
    except Exception as error:  # noqa: BLE001  the Lambda runtime catches everything, and so does this
        return error_answer(type(error).__name__, str(error), request_id, trace_of(error))
    try:
        payload = json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return error_answer("Runtime.MarshalError", message, request_id)
    if len(payload) > PAYLOAD_LIMIT:
        limit = f"maximum allowed payload size ({PAYLOAD_LIMIT} bytes)"
        message = f"Response payload size exceeded {limit}."
        return error_answer("Function.ResponseSizeTooLarge", message, request_id)
    return Answer(payload, failed=False, request_id=request_id)


def trace_of(error: BaseException) -> list[str]:
    """The frames of the application: the first frame is our own call of the handler."""
    return traceback.format_tb(error.__traceback__)[1:]


def refuse_differing_environments(functions: Iterable[Function]) -> None:
    """All functions share this process: a variable must have the same value in all of them."""
    seen: dict[str, tuple[str, str]] = {}
    for function in functions:
        for key, value in function.environment.items():
            owner, other = seen.setdefault(key, (function.name, value))
            if other != value:
                raise ValueError(
                    f"Environment variable {key!r} is {other!r} in {owner} and {value!r} "
                    f"in {function.name}. Expected one value: the local functions share a process."
                )
