"""How long Personalize takes: presets, and what it does by itself after hours or days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recdrop.service.resources import latency


@dataclass(frozen=True)
class Latency(latency.Latency):
    """Also the seconds until the first automatic training, and between those of a recommender."""

    first_automatic_training: float = 3600.0
    recommender_retraining: float = 7 * 86400.0


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
    """The latencies of that name.

    Raises:
        ValueError: there is no such preset.
    """
    if name not in PRESETS:
        raise ValueError(f"Latency has value {name!r}. Expected one of: {', '.join(PRESETS)}.")
    return PRESETS[name]
