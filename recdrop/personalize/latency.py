"""How long the service takes: seconds in a PENDING state and, at least, in an IN_PROGRESS state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Latency:
    """`by_kind` overrides the two seconds for a kind, e.g. {"SolutionVersion": (60, 2400)}."""

    pending: float = 0.02
    in_progress: float = 0.02
    by_kind: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    first_automatic_training: float = 3600.0
    recommender_retraining: float = 7 * 86400.0

    def of(self, kind: str) -> tuple[float, float]:
        return self.by_kind.get(kind, (self.pending, self.in_progress))


INSTANT = Latency(0.0, 0.0)
QUICK = Latency()
REALISTIC = Latency(
    pending=15,
    in_progress=45,
    by_kind={
        "DatasetImportJob": (60, 600),
        "SolutionVersion": (120, 2400),
        "Campaign": (60, 480),
        "Recommender": (120, 3600),
        "BatchInferenceJob": (60, 1500),
        "BatchSegmentJob": (60, 1500),
        "DatasetExportJob": (60, 600),
        "DataDeletionJob": (3600, 43200),
        "Filter": (10, 60),
    },
)
PRESETS: Mapping[str, Latency] = {"instant": INSTANT, "quick": QUICK, "realistic": REALISTIC}


def preset(name: str) -> Latency:
    if name not in PRESETS:
        raise ValueError(f"Latency has value {name!r}. Expected one of: {', '.join(PRESETS)}.")
    return PRESETS[name]
