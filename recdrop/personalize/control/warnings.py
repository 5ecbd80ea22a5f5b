"""What was accepted with a warning: told in the log, and at `/_personalize/warnings`.

The service was seen to accept it, and its documents do not allow it. `strict` refuses it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from recdrop.service.resources.store import Store
from recdrop.service.resources.world import Doc

_log = logging.getLogger(__name__)
KINDS = ("Schema", "Dataset", "DatasetImportJob", "EventTracker")


def warned(name: str, warnings: Sequence[str]) -> Doc:
    """The notes for a resource called `name`; what they say is logged."""
    for warning in warnings:
        _log.warning("%s: %s", name, warning)
    return {"warnings": list(warnings)}


def told(store: Store) -> list[dict[str, str]]:
    """One `{"arn", "warning"}` for each warning, by kind, in the order of their creation."""
    return [
        {"arn": resource.arn, "warning": warning}
        for kind in KINDS
        for resource in store.all(kind)
        for warning in resource.notes.get("warnings", ())
    ]
