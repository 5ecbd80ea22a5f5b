"""A deployed function, what its handler is given, and what comes of a call."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recdrop.local.aws.identity import ACCOUNT, REGION

LOG_STREAM = "local"


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
    """A deployed function: `handler` is `module.attribute`, `timeout` in seconds, `memory` in MB.

    `role` is the ARN of the role that it runs as.
    """

    name: str
    handler: str
    timeout: int = 60
    memory: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    role: str = ""

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


def error_answer(
    kind: str, message: str, request_id: str, trace: list[str] | None = None
) -> Answer:
    """An error document; its `errorType` is the name that Step Functions matches."""
    document: dict[str, Any] = {"errorMessage": message, "errorType": kind, "requestId": request_id}
    if trace is not None:
        document["stackTrace"] = trace
    return Answer(json.dumps(document).encode(), failed=True, request_id=request_id)
