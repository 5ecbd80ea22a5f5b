"""Snowflake: COPY INTO <location> with INCLUDE_QUERY_ID writes `data_<query id>_0_1_0.csv.gz`."""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign
from chalicelib.sources.habits import Habits

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# After the query id: the numbers of the warehouse's server, the thread, and the file.
HABITS = Habits("snowflake", unload=re.compile(rf"({_UUID})_\d+_\d+_\d+\."))
ADAPTER = Adapter(
    "snowflake",
    "Snowflake's COPY INTO",
    signs=(
        Sign(
            "called as COPY INTO calls its files",
            re.compile(rf"(^|/)(data|{_UUID}|[^/]*_{_UUID})_\d+_\d+_\d+(\.|$)"),
        ),
    ),
)
