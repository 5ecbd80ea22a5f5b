"""How long a service takes: seconds in a PENDING state and, at least, in an IN_PROGRESS state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Latency:
    """`by_kind` overrides the two seconds for a kind, e.g. {"SolutionVersion": (60, 2400)}."""

    pending: float = 0.02
    in_progress: float = 0.02
    by_kind: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[float, float]:
        """Seconds in PENDING and in IN_PROGRESS."""
        return self.by_kind.get(kind, (self.pending, self.in_progress))
