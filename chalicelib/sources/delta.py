"""Delta Lake: Parquet files, and beside them the log `_delta_log` that says which of them count."""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign

LOG = "_delta_log"
ADAPTER = Adapter(
    "delta",
    "Delta Lake",
    signs=(Sign("the log of a Delta table", re.compile(rf"(^|/){LOG}/\d{{20}}\.json$")),),
    advice="a Delta table's folder keeps files that were deleted from the table: export a query "
    "(INSERT OVERWRITE DIRECTORY) instead of copying the folder",
)
