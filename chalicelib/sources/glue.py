"""Glue: `write_dynamic_frame` calls its files `run-<ms>-part-r-00000`, without an extension."""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign

ADAPTER = Adapter(
    "glue",
    "an AWS Glue job",
    signs=(Sign("called as Glue calls its files", re.compile(r"(^|/)run-\d{10,}-part-r-\d{5}")),),
)
