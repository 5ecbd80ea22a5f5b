"""How fast a batch may ask a campaign: a rate learnt from the campaign's own throttles.

Until the first throttle nothing waits. From then on calls start evenly, at a little below the rate at which the
campaign lately answered, and the rate creeps up again while it does: a campaign of 500 calls a second is used almost
fully and refused seldom, whatever number of batches shares it in this process.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.serving.runtime import Broken, Caller, CallError, Deadline, Throttled

WINDOW_SECONDS = 1.0
SHORTEST_SECONDS = 0.05
SLOWEST_PER_SECOND = 4.0
# Further throttles within this time are echoes of calls that were already on their way.
ECHO_SECONDS = 0.25
# The longer there was no throttle, the faster: a pace set by a bad moment is soon made good.
GROWTH_PER_SECOND = 0.05
MARGIN = 0.98
# A campaign that answered nothing for so long is overloaded by others too: 429 makes Snowflake itself slow down.
PATIENCE_SECONDS = 0.6


class Pace:
    """The rate towards one campaign, shared by the threads of all batches. `clock` and `sleep` are injected; rates are calls per second."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._next_start = 0.0
        self._slowed_at = float("-inf")
        self._answered: deque[float] = deque()

    @property
    def rate(self) -> float | None:
        """Calls per second; None while there was no throttle."""
        return self._rate

    def wait(self, deadline: Deadline) -> bool:
        """Sleep until a call may start; False, at once, when that would be past the deadline."""
        with self._lock:
            now = self._clock()
            start = now if self._rate is None else max(now, self._next_start)
            if start - now >= deadline.left:
                return False
            if self._rate is not None:
                self._next_start = start + 1 / self._rate
        if start > now:
            self._sleep(start - now)
        return True

    def answered(self) -> None:
        """A call was answered."""
        with self._lock:
            now = self._clock()
            self._answered.append(now)
            self._drop_old(now)
            if self._rate is not None:
                growth = GROWTH_PER_SECOND * (1 + now - self._slowed_at)
                self._rate *= 1 + growth / max(self._rate, 1.0)

    def throttled(self) -> None:
        """A call was refused for its rate: continue at what the campaign answered in the last second."""
        with self._lock:
            now = self._clock()
            if now - self._slowed_at < ECHO_SECONDS:
                return
            self._slowed_at = now
            self._drop_old(now)
            self._rate = max(MARGIN * self._answered_per_second(now), SLOWEST_PER_SECOND)
            self._next_start = max(self._next_start, now)

    def is_stuck(self, since: float) -> bool:
        """Whether nothing was answered for `PATIENCE_SECONDS`, counted from `since` at the earliest."""
        with self._lock:
            last = self._answered[-1] if self._answered else since
            return self._clock() - max(last, since) >= PATIENCE_SECONDS

    def _answered_per_second(self, now: float) -> float:
        """Of the window, or of the part of it since the first answer: a batch has just begun."""
        return len(self._answered) / max(now - self._answered[0], SHORTEST_SECONDS) if self._answered else 0.0

    def _drop_old(self, now: float) -> None:
        while self._answered and now - self._answered[0] > WINDOW_SECONDS:
            self._answered.popleft()


@dataclass(frozen=True)
class PacedCaller(Caller):
    """A Caller that keeps on through throttles, at each campaign's pace, while the campaign answers anyone."""

    clock: Callable[[], float] = field(kw_only=True)
    _paces: dict[str, Pace] = field(default_factory=dict, kw_only=True)

    @property
    def has_throttled(self) -> bool:
        return any(pace.rate is not None for pace in self._paces.values())

    def call(self, operation: Callable[..., Mapping[str, Any]], arguments: Mapping[str, Any], deadline: Deadline) -> Any:
        """Raises CallError: Throttled when the campaign answers nobody, or too few until the deadline."""
        pace = self._paces.setdefault(arguments["campaignArn"], Pace(self.clock, self.sleep))
        began = self.clock()
        while pace.wait(deadline):
            try:
                answer = super().call(operation, arguments, deadline)
            except Throttled:
                pace.throttled()
                if pace.is_stuck(began):
                    raise
            else:
                pace.answered()
                return answer
        if pace.rate is None:
            raise Broken("DeadlineExceeded", "No time was left for the call.")
        raise Throttled("Overloaded", f"The campaign takes about {pace.rate:.0f} calls a second.")

    def is_worth_a_retry(self, failure: CallError) -> bool:
        return not isinstance(failure, Throttled) and super().is_worth_a_retry(failure)
