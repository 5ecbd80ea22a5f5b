"""Time for the workflows: real seconds divided by a scale. A Retry of 60 s takes 1 s at scale 60."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST_SLICE = 0.5


@dataclass(frozen=True)
class Clock:
    """Waits that are `scale` times shorter than asked for.

    Time stamps stay real: only waiting is scaled.
    """

    scale: float = 1.0
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError(
                f"Time scale is {self.scale!r}. Expected a number above 0, such as 20."
            )

    def real_seconds(self, seconds: float) -> float:
        """How long `seconds` of the workflow last on the wall."""
        return max(0.0, seconds) / self.scale

    def wait_while(
        self, running: Callable[[], bool], wake: threading.Event, seconds: float
    ) -> None:
        """Wait for scaled `seconds`; end early only when `running` turns false.

        `wake` may be set for other reasons, and its setter may clear it before the wait began:
        hence the slices.
        """
        deadline = self.monotonic() + self.real_seconds(seconds)
        while running() and (left := deadline - self.monotonic()) > 0:
            wake.wait(min(left, LONGEST_SLICE))
