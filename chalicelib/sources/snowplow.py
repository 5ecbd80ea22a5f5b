"""Snowplow's recommendations package: it writes each table as CSV and, beside it, as Parquet."""

from __future__ import annotations

from chalicelib.sources.source import Source

# Both together would count every row twice.
SOURCE = Source("snowplow", twins=((".csv", ".parquet"),))
