"""Functions that somebody made with CreateFunction: a zip of Python, run in processes of its own.

The application's functions share the process of the stack. These do not: their modules and
variables are theirs alone, and one that is late is killed. A process is kept for the next
invocation, as Lambda keeps an execution environment; a new code or configuration gets new ones.

A process runs with the Python of the stack, so what that has installed (boto3) is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from recdrop.local.aws.identity import REGION
from recdrop.local.lambdas.function import Answer, Context, Function, InvokeError, error_answer

WORKER = Path(__file__).with_name("foreign_worker.py")
Log = Callable[[str, str, str], object]


@dataclass(frozen=True)
class Zipped:
    """A function as it was made: `parts` are its zips, layers last."""

    function: Function
    parts: Sequence[bytes]
    digest: str


Find = Callable[[str], Zipped | None]


@dataclass
class Process:
    """An execution environment."""

    process: subprocess.Popen[str]
    answers: IO[str]
    digest: str
    request_id: str = ""

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.answers):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


@dataclass
class ForeignHost:
    """Runs what `find` finds by name; what the functions print goes to `log`."""

    find: Find = field(default=lambda _name: None)
    log: Log = field(default=lambda _function, _request, _text: None)
    _idle: dict[str, list[Process]] = field(default_factory=dict)
    _folders: dict[str, tempfile.TemporaryDirectory[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, zipped: Zipped, event: Any, request_id: str, seconds: float) -> Answer:
        """The answer of the function; an error document when it raised, ended or was late."""
        function = zipped.function
        environment = self._take(zipped)
        environment.request_id = request_id
        was_late = threading.Event()

        def expire() -> None:
            was_late.set()
            environment.process.kill()

        late = threading.Timer(seconds, expire)
        late.start()
        try:
            line = exchange(environment, self._order(zipped, event, request_id, seconds))
        finally:
            late.cancel()
        if not line:
            environment.kill()
            if was_late.is_set():
                message = (
                    f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
                )
                return error_answer("Sandbox.Timedout", message, request_id)
            code = environment.process.returncode
            message = (
                f"RequestId: {request_id} Error: Runtime exited with error: exit status {code}"
            )
            return error_answer("Runtime.ExitError", message, request_id)
        with self._lock:
            self._idle.setdefault(function.name, []).append(environment)
        document = json.loads(line)
        if "error" in document:
            return error_answer(document["kind"], document["error"], request_id, document["trace"])
        payload = json.dumps(document["result"], ensure_ascii=False, separators=(",", ":"))
        return Answer(payload.encode(), failed=False, request_id=request_id)

    def close(self) -> None:
        """End all processes and remove what was unpacked."""
        with self._lock:
            for environments in self._idle.values():
                for environment in environments:
                    environment.kill()
            for folder in self._folders.values():
                folder.cleanup()
            self._idle, self._folders = {}, {}

    def _take(self, zipped: Zipped) -> Process:
        """An idle environment of this very code and configuration, or a new one."""
        name = zipped.function.name
        with self._lock:
            kept = self._idle.pop(name, [])
            same = [environment for environment in kept if environment.digest == zipped.digest]
            for environment in kept:
                if environment not in same:
                    environment.kill()
            taken = same.pop() if same else None
            if same:
                self._idle[name] = same
            self._unpack(zipped)
        return taken or self._start(zipped)

    def _unpack(self, zipped: Zipped) -> None:
        if zipped.digest in self._folders:
            return
        folder = tempfile.TemporaryDirectory(prefix="recdrop-lambda-")
        for number, part in enumerate(zipped.parts):
            with zipfile.ZipFile(io.BytesIO(part)) as archive:
                archive.extractall(Path(folder.name, str(number)))
        self._folders[zipped.digest] = folder

    def _paths(self, zipped: Zipped) -> list[str]:
        """Where its modules are: the code, and the folder `python` of each layer."""
        root = Path(self._folders[zipped.digest].name)
        layers = [str(root / str(number) / "python") for number in range(1, len(zipped.parts))]
        return [str(root / "0"), *layers]

    def _start(self, zipped: Zipped) -> Process:
        reading, writing = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-I", "-u", str(WORKER), str(writing)],
            cwd=self._paths(zipped)[0],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[writing],
            env=variables(zipped.function),
        )
        os.close(writing)
        environment = Process(process, os.fdopen(reading), zipped.digest)
        name = f"log-{zipped.function.name}"
        threading.Thread(
            target=self._forward, args=(environment, zipped.function.name), name=name, daemon=True
        ).start()
        return environment

    def _forward(self, environment: Process, function: str) -> None:
        """What it prints, line by line, until it ends."""
        assert environment.process.stdout is not None  # noqa: S101 - started with a pipe
        with environment.process.stdout as printed:
            for line in printed:
                self.log(function, environment.request_id, line.rstrip("\n"))

    def _order(self, zipped: Zipped, event: Any, request_id: str, seconds: float) -> str:
        members = {
            name: value
            for name, value in vars(Context(zipped.function, request_id)).items()
            if not name.startswith("_")
        }
        context = {"members": members, "seconds": seconds}
        order = {"handler": zipped.function.handler, "paths": self._paths(zipped)}
        return json.dumps({**order, "event": event, "context": context})


def exchange(environment: Process, order: str) -> str:
    """The line that the process answers; nothing when it has ended."""
    assert environment.process.stdin is not None  # noqa: S101 - started with a pipe
    try:
        environment.process.stdin.write(order + "\n")
        environment.process.stdin.flush()
    except BrokenPipeError:
        return ""
    return environment.answers.readline()


def variables(function: Function) -> Mapping[str, str]:
    """The environment of the function: the stack's endpoint and keys, and its own variables."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("AWS_") or name in ("PATH", "HOME", "LANG", "NO_PROXY", "no_proxy")
    }
    return {
        **inherited,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": REGION,
        "_HANDLER": function.handler,
        **function.environment,
    }


def find_in_moto(name: str) -> Zipped | None:
    """A function that was made through the API of Lambda.

    Raises:
        InvokeError: it cannot run here.
    """
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.awslambda.models import lambda_backends

    from recdrop.local.aws.identity import ACCOUNT

    backend = lambda_backends[ACCOUNT][REGION]
    try:
        made = backend.get_function(name)
    except UnknownFunctionException:
        return None
    layers = [backend.layers_versions_by_arn(layer["Arn"]).code_bytes for layer in made.layers]
    parts = [made.code_bytes, *layers]
    if not made.code_bytes:
        raise InvokeError(400, "InvalidParameterValueException", f"Function {name} has no code.")
    environment = {key: str(value) for key, value in made.environment_vars.items()}
    function = Function(
        made.function_name, made.handler, int(made.timeout), int(made.memory_size), environment
    )
    configured = json.dumps([made.handler, environment, function.memory]).encode()
    digest = hashlib.sha256(b"".join([*parts, configured])).hexdigest()
    return Zipped(function, parts, digest)
