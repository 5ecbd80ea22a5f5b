"""Snowplow's recommendations package: it writes each table as CSV and, beside it, as Parquet."""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign
from chalicelib.sources.habits import Habits

# Both together would count every row twice.
HABITS = Habits("snowplow", twins=((".csv", ".parquet"),))
ADAPTER = Adapter(
    "snowplow",
    "Snowplow's recommendations package for dbt",
    signs=(
        Sign("a table of Snowplow's package", re.compile(r"(^|/)snowplow_recommendations_\w+/")),
        Sign(
            "called as Snowplow's package calls its files",
            re.compile(r"(^|/)personalize-dataset\."),
        ),
    ),
)
