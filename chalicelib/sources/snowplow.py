"""Snowplow's recommendations package: it writes each table as CSV and, beside it, as Parquet."""

from __future__ import annotations

from chalicelib.sources.habits import Habits

# Both together would count every row twice.
HABITS = Habits("snowplow", twins=((".csv", ".parquet"),))
