"""How fast a batch may ask a campaign: a rate learnt from the campaign's own throttles.

Until the first throttle nothing waits. From then on calls start evenly, at the rate at which the
campaign lately took them, and the rate creeps up until the next throttle. So a campaign of 500
calls a second is used almost fully and refuses seldom, however many batches share it in this
process.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import AwsError, Throttled
from chalicelib.serving.calls import Caller, Deadline, no_time_left

WINDOW_SECONDS = 1.0
SHORTEST_SECONDS = 0.05
SLOWEST_PER_SECOND = 4.0
# Further throttles within this time are echoes of calls that were already on their way.
ECHO_SECONDS = 0.25
# The longer there was no throttle, the faster: a pace set by a bad moment is soon made good.
GROWTH_PER_SECOND = 0.05
# A campaign that answered nothing for so long is overloaded by others too: 429 makes Snowflake
# itself slow down.
PATIENCE_SECONDS = 0.6


class Pace:
    """The rate towards one campaign, shared by the threads of all batches.

    `clock` gives monotonic seconds, `sleep` takes seconds.
    """

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        # Only the thread whose turn it is sleeps, and for one call's share: a changed rate holds
        # for all the others.
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._next_start = 0.0
        self._slowed_at = float("-inf")
        self._answered_at = float("-inf")
        self._taken: deque[float] = deque()

    @property
    def rate(self) -> float | None:
        """Calls per second; None while there was no throttle."""
        return self._rate

    def wait(self, deadline: Deadline) -> bool:
        """Return when a call may start; False when that would be past the deadline."""
        if self._rate is not None and not self._wait_for_turn(deadline):
            return False
        with self._lock:
            self._taken.append(self._clock())
        return True

    def answered(self) -> None:
        """A call was answered."""
        with self._lock:
            self._answered_at = now = self._clock()
            self._drop_old(now)
            if self._rate is not None:
                growth = GROWTH_PER_SECOND * (1 + now - self._slowed_at)
                # Divided by the rate: that many answers come a second, each adds its share.
                self._rate *= 1 + growth / max(self._rate, 1.0)

    def throttled(self) -> None:
        """A call was refused for its rate: go on at the rate that the campaign lately took."""
        with self._lock:
            now = self._clock()
            self._drop_old(now)
            if self._taken:
                self._taken.pop()  # the refused call was not taken after all
            if now - self._slowed_at >= ECHO_SECONDS:
                self._slowed_at = now
                self._rate = max(self._taken_per_second(now), SLOWEST_PER_SECOND)

    def is_stuck(self, since: float) -> bool:
        """Whether nothing was answered for `PATIENCE_SECONDS`, from `since` on at the earliest."""
        with self._lock:
            return self._clock() - max(self._answered_at, since) >= PATIENCE_SECONDS

    def _wait_for_turn(self, deadline: Deadline) -> bool:
        if not self._turn.acquire(timeout=max(0.0, deadline.left)):
            return False
        try:
            now = self._clock()
            start = max(now, self._next_start)
            if start - now >= deadline.left:
                return False
            if start > now:
                self._sleep(start - now)
            self._next_start = start + 1 / (self._rate or SLOWEST_PER_SECOND)
            return True
        finally:
            self._turn.release()

    def _taken_per_second(self, now: float) -> float:
        """Over the window, or over the part of it since its first call: a batch has just begun."""
        if not self._taken:
            return 0.0
        return len(self._taken) / max(now - self._taken[0], SHORTEST_SECONDS)

    def _drop_old(self, now: float) -> None:
        while self._taken and now - self._taken[0] > WINDOW_SECONDS:
            self._taken.popleft()


@dataclass(frozen=True)
class PacedCaller(Caller):
    """A Caller that keeps on through throttles, at each campaign's pace, while it answers anyone."""

    clock: Callable[[], float] = field(kw_only=True)
    _paces: dict[str, Pace] = field(default_factory=dict, kw_only=True)

    @property
    def has_throttled(self) -> bool:
        return any(pace.rate is not None for pace in self._paces.values())

    def call(
        self,
        operation: Callable[..., Mapping[str, Any]],
        arguments: Mapping[str, Any],
        deadline: Deadline,
    ) -> Any:
        """As `Caller.call`, after waiting for its turn.

        Raises:
            Throttled: the campaign answers nobody, or too few until the deadline.
            AwsError: as `Caller.call`.
        """
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
            raise no_time_left()
        raise Throttled("Overloaded", f"The campaign takes about {pace.rate:.0f} calls a second.")

    def is_worth_a_retry(self, failure: AwsError) -> bool:
        """Throttles are not Caller's to retry here: the pace waits for them."""
        return not isinstance(failure, Throttled) and super().is_worth_a_retry(failure)
