"""BigQuery: EXPORT DATA and `bq extract` number their files with twelve digits."""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign

ADAPTER = Adapter(
    "bigquery",
    "BigQuery's EXPORT DATA",
    signs=(
        Sign(
            "numbered as BigQuery numbers its files",
            re.compile(r"(^|[^0-9])0{6}\d{6}(\.(csv|json|parquet)(\.gz)?)?$"),
        ),
    ),
)
