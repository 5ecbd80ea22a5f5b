"""How each tool writes its files, one module a tool.

Each module has an `ADAPTER` (how the tool is recognised, and its defaults) and, where single files
mean something by their names, `HABITS` (markers, lists of files, twins). The habits are particular
enough to be recognised whoever wrote the file, so `registry` asks all the tools. Adapters are
asked in the order below, the most particular first: Snowplow's tables are written by Snowflake or
Databricks, and what Snowplow means by them counts.

A new tool is a module and a row here.
"""

from __future__ import annotations

from chalicelib.sources import (
    bigquery,
    databricks,
    delta,
    ga4,
    glue,
    hadoop,
    movielens,
    plain,
    redshift,
    segment,
    sequences,
    shopify,
    snowflake,
    snowplow,
)
from chalicelib.sources.adapter import Adapter, Recognised, Seen

_ORDERED: tuple[Adapter, ...] = (
    segment.ADAPTER,
    ga4.ADAPTER,
    snowplow.ADAPTER,
    shopify.ADAPTER,
    movielens.ADAPTER,
    delta.ADAPTER,
    databricks.ADAPTER,
    snowflake.ADAPTER,
    glue.ADAPTER,
    redshift.ADAPTER,
    bigquery.ADAPTER,
    hadoop.ADAPTER,
    sequences.ADAPTER,
    plain.ADAPTER,
)
ADAPTERS = {adapter.name: adapter for adapter in _ORDERED}


def recognise(seen: Seen) -> Recognised:
    """Who wrote an export, and by what it is told; "plain" when nothing gives it away."""
    for adapter in _ORDERED:
        if why := adapter.why(seen):
            return Recognised(adapter, why)
    return Recognised(plain.ADAPTER, plain.WHY)
