"""Hadoop's file committers, with which Spark, Glue and EMR write (Databricks has one of its own)."""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign
from chalicelib.sources.habits import Habits

MARKER = "_SUCCESS"
HABITS = Habits(
    "hadoop",
    markers=frozenset({MARKER}),
    noise=(
        (re.compile(r"\.crc$"), "a checksum file"),
        # What the old S3 file systems write in place of an empty folder.
        (re.compile(r"\$folder\$$"), "a folder marker"),
    ),
)
ADAPTER = Adapter(
    "spark",
    "Spark",
    signs=(
        Sign("called as Spark calls its parts", re.compile(r"(^|/)part-(r-)?\d{5}-[0-9a-f]{8}-")),
        Sign("the marker that Spark writes last", re.compile(rf"(^|/){MARKER}$")),
    ),
    complete="marker",
)
