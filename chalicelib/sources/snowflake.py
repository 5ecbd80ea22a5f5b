"""Snowflake: COPY INTO <location> with INCLUDE_QUERY_ID writes `data_<query id>_0_1_0.csv.gz`.

With DETAILED_OUTPUT it answers a row for each file, which people keep beside the files as a manifest:
`{"FILE_NAME": "data_0_0_0.csv.gz", "FILE_SIZE": 1234, "ROW_COUNT": 100}`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

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
_COLUMNS = {"name": "file_name", "size": "file_size", "rows": "row_count"}  # ours -> Snowflake's


def is_detailed_output(rows: Sequence[Any]) -> bool:
    """Whether JSON values are the rows that COPY INTO answers with DETAILED_OUTPUT."""
    return bool(rows) and all(
        isinstance(row, dict) and _COLUMNS["name"] in {str(column).lower() for column in row}
        for row in rows
    )


def listed_files(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The files as ours has them: [{"name": ..., "size": ..., "rows": ...}]."""
    lower = [{str(column).lower(): value for column, value in row.items()} for row in rows]
    return [{ours: row.get(theirs) for ours, theirs in _COLUMNS.items()} for row in lower]
