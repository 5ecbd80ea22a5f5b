"""Segment: its S3 destination writes `segment-logs/<source>/<day in ms>/<file>.gz`.

Each line is one call (track, identify, page, ...) with all its fields. Every day's folder holds that
day's calls only.
"""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign

FOLDER = "segment-logs"
ADAPTER = Adapter(
    "segment",
    "Segment's S3 destination",
    signs=(
        Sign("in the folder of Segment's raw logs", re.compile(rf"(^|/){FOLDER}/")),
        Sign(
            "a log of Segment's calls",
            columns=frozenset({"messageid", "anonymousid", "type", "receivedat"}),
        ),
    ),
    complete="quiet:5m",
    data="append",
    columns={
        "USER_ID": "userId",
        "ITEM_ID": "properties.sku",
        "EVENT_TYPE": "event",
        "TIMESTAMP": "timestamp",
    },
    advice=f"drop the logs into the folder {FOLDER!r}: calls without a user or an item are then left "
    "out without being counted as faults",
)
