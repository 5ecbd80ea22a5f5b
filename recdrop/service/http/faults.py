"""Faults on demand, for the tests of those who use the service.

A plan is a list of rules (JSON: a file, the admin endpoint, or one rule in the header
`X-Recdrop-Fault`):

    {"operation": "CreateSolutionVersion", "call": 2, "fault": "job", "reason": "Out of capacity"}

`call` is the nth call of the operation from 1 (absent: every one; a list: each of them). `fault` is
one of
  throttle         ThrottlingException
  error            `code` (InternalFailure), `message`, `status` (500)
  timeout-before   nothing happens, and no answer comes: after `seconds` (0) the connection is
                   closed
  timeout-after    the effect happens, and no answer comes
  delay            the answer comes `seconds` later
  job              the Create or Update succeeds, and what it began ends CREATE FAILED with `reason`
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from recdrop.service.errors import UnmodelledError
from recdrop.service.wire.messages import Reply, json_reply

FAULTS = ("throttle", "error", "timeout-before", "timeout-after", "delay", "job")
_MEMBERS = {"operation", "call", "fault", "code", "message", "status", "seconds", "reason"}


class _Socket(Protocol):
    def shutdown(self, how: int) -> None: ...


@dataclass(frozen=True)
class Rule:
    """One rule of a plan; no `operation` means every one, no `calls` every call."""

    fault: str
    operation: str | None = None
    calls: frozenset[int] = frozenset()
    code: str = "InternalFailure"
    message: str = "A fault was asked for."
    status: int = 500
    seconds: float = 0.0
    reason: str = "A failure was asked for."

    @classmethod
    def read(cls, entry: Any, operations: Collection[str]) -> Rule:
        """A rule from JSON; `operations` are those that exist.

        Raises:
            ValueError: it is not a rule; the text names what is wrong.
        """
        if not isinstance(entry, dict) or set(entry) - _MEMBERS:
            raise ValueError(
                f"Fault rule {entry!r} is not one. Expected an object with: {', '.join(sorted(_MEMBERS))}."
            )
        if entry.get("fault") not in FAULTS:
            raise ValueError(
                f"Fault rule has fault {entry.get('fault')!r}. Expected one of: {', '.join(FAULTS)}."
            )
        if entry.get("operation") is not None and entry["operation"] not in operations:
            raise ValueError(
                f"Fault rule has operation {entry['operation']!r}, which does not exist."
            )
        calls = entry.get("call", [])
        calls = calls if isinstance(calls, list) else [calls]
        if not all(isinstance(call, int) and call >= 1 for call in calls):
            raise ValueError(
                f"Fault rule has call {entry['call']!r}. Expected a number from 1, or a list of them."
            )
        rest = {name: value for name, value in entry.items() if name != "call"}
        return cls(**rest, calls=frozenset(calls))

    def applies(self, operation: str, call: int) -> bool:
        return self.operation in (None, operation) and (not self.calls or call in self.calls)


@dataclass(frozen=True)
class Planned:
    """What happens around one call."""

    rules: Sequence[Rule] = ()
    sleep: Callable[[float], None] = field(default=time.sleep)

    @property
    def job_failure(self) -> str | None:
        return next((rule.reason for rule in self.rules if rule.fault == "job"), None)

    # Rules are obeyed in the order of the plan: a delay before an error delays the error.
    def before(self, environ: Mapping[str, Any]) -> None:
        for rule in self.rules:
            if rule.fault == "throttle":
                raise UnmodelledError("ThrottlingException", "Rate exceeded", 400)
            if rule.fault == "error":
                raise UnmodelledError(rule.code, rule.message, rule.status)
            if rule.fault == "delay":
                self.sleep(rule.seconds)
            if rule.fault == "timeout-before":
                self._hang_up(rule, environ)

    def after(self, environ: Mapping[str, Any]) -> None:
        for rule in self.rules:
            if rule.fault == "timeout-after":
                self._hang_up(rule, environ)

    def _hang_up(self, rule: Rule, environ: Mapping[str, Any]) -> None:
        self.sleep(rule.seconds)
        # Called without a server, as tests do, there is no connection to close: then the error says so.
        connection: _Socket | None = environ.get("werkzeug.socket")
        # The client sees a closed connection, as when a proxy gives up.
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        raise UnmodelledError("RequestTimeoutException", "No answer came in time.", 504)


class Faults:
    """A plan for the `operations` of a service, and how often each has been called under it."""

    def __init__(
        self, operations: Collection[str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._operations = operations
        self._rules: list[Rule] = []
        self._sleep = sleep
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def replace(self, text: str | bytes) -> None:
        """A new plan, in JSON; calls are counted from the start again.

        Raises:
            ValueError: it is not a plan; the one before stays.
        """
        entries = json.loads(text or b"[]")
        if not isinstance(entries, list):
            entries = [entries]
        rules = [Rule.read(entry, self._operations) for entry in entries]
        with self._lock:
            self._rules, self._calls = rules, Counter()

    def next_for(self, operation: str, header: str | None = None) -> Planned:
        """Counts a call of `operation` and says what is planned for it."""
        with self._lock:
            self._calls[operation] += 1
            call = self._calls[operation]
            rules = [rule for rule in self._rules if rule.applies(operation, call)]
        return Planned([*rules, *self._from_header(header)], self._sleep)

    def administer(self, method: str, body: bytes) -> Reply:
        """PUT or POST a plan, DELETE it, GET the number of calls so far."""
        if method in ("PUT", "POST", "DELETE"):
            try:
                self.replace(b"[]" if method == "DELETE" else body)
            except (ValueError, TypeError) as error:
                return json_reply(
                    400, {"error": {"code": "InvalidFaultPlan", "message": str(error)}}
                )
        with self._lock:
            return json_reply(200, {"rules": len(self._rules), "calls": dict(self._calls)})

    def _from_header(self, header: str | None) -> list[Rule]:
        if header is None:
            return []
        try:
            return [Rule.read(json.loads(header), self._operations)]
        except (ValueError, TypeError) as error:
            raise UnmodelledError("InvalidFaultPlan", f"Header X-Recdrop-Fault: {error}") from error
