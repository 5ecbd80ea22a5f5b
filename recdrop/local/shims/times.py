"""Times as Step Functions and EventBridge write them."""

from __future__ import annotations

import datetime as dt
import time


def utc_text(moment: dt.datetime | float | None = None) -> str:
    """A time as Step Functions and EventBridge write it: `2026-11-21T22:12:00.000Z`."""
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.fromtimestamp(time.time() if moment is None else moment, dt.UTC)
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
