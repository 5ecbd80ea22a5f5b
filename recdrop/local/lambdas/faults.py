"""Planned failures of Lambdas, for tests and for `recdrop fault`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

from recdrop.local.lambdas.function import Answer, error_answer


@dataclass(frozen=True)
class Fault:
    """A planned failure of the next `times` calls of a function whose name contains `function`.

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


def killed(fault: Fault, request_id: str) -> Answer:
    """What the service says of a Lambda whose sandbox died."""
    message = (
        f"RequestId: {request_id} Error: Runtime exited with error: signal: killed (planned fault)"
    )
    return error_answer(fault.error, message, request_id)
