"""Time, injected. Every state change of the service is due at a time of this clock."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def seconds_until(self, due: float) -> float:
        """Real seconds to wait until `due`; infinite when only a hand can move the clock there."""
        ...


class SystemClock:
    """The wall clock, or one that runs `speed` times as fast from the moment it is made."""

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"Clock speed is {speed!r}. Expected a number above 0.")
        self._speed = speed
        self._wall = time.time()
        self._start = time.monotonic()

    def now(self) -> float:
        return self._wall + (time.monotonic() - self._start) * self._speed

    def seconds_until(self, due: float) -> float:
        return max(0.0, (due - self.now()) / self._speed)


class ManualClock:
    """Stands still until `advance`; `Engine.settle` then does what has become due."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def seconds_until(self, due: float) -> float:
        return 0.0 if due <= self._now else threading.TIMEOUT_MAX

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
