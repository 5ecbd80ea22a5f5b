"""The report of a metric attribution on one import job: what each source of events brought, as CSV."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recdrop.personalize.data.tables import Tables, literal, open_tables, quote
from recdrop.personalize.work.objects import Objects
from recdrop.service.errors import JobFailed

UNDEFINED = "SOURCE_NAME_UNDEFINED"
MOST_SOURCES = 100
_SUM = re.compile(r"sum\((interactions|items)\.(\w+)\)", re.IGNORECASE)


def publish_report(spec: Mapping[str, Any], file: str, folder: Path) -> None:
    """Writes `AggregatedAttributionMetrics - <job> - <time>.csv` below the attribution's path."""
    order = spec["attribution"]
    taken = order["snapshot"]
    described = {**taken["datasets"]["INTERACTIONS"], "files": [file]}
    taken = {**taken, "datasets": {**taken["datasets"], "INTERACTIONS": described}}
    report = folder / "attribution.csv"
    with open_tables(Path(spec["root"]), Path(spec["database"]), taken) as tables:
        tables.create("INTERACTIONS", streamed=False)
        if tables.has("ITEMS"):
            tables.create("ITEMS")
        parts = " UNION ALL ".join(
            _metric(tables, metric, order["time"]) for metric in order["metrics"]
        )
        tables.run(f"CREATE TABLE report AS {parts}")
        if (
            tables.number("SELECT count(DISTINCT EVENT_ATTRIBUTION_SOURCE) FROM report")
            > MOST_SOURCES
        ):
            raise JobFailed(f"The import has more than {MOST_SOURCES} event attribution sources.")
        rows = "SELECT * FROM report ORDER BY METRIC_NAME, EVENT_TYPE, EVENT_ATTRIBUTION_SOURCE"
        tables.run(f"COPY ({rows}) TO {literal(str(report))} (FORMAT csv, HEADER true)")
    name = f"AggregatedAttributionMetrics - {order['job']} - {order['time']}.csv"
    Objects(spec, order.get("role")).upload(report, order["path"].rstrip("/") + "/" + name)


def _metric(tables: Tables, metric: Mapping[str, str], time: int) -> str:
    """SQL for one metric's rows, a row for each source."""
    columns = tables.schemas["INTERACTIONS"].names
    source = "e.EVENT_ATTRIBUTION_SOURCE" if "EVENT_ATTRIBUTION_SOURCE" in columns else "NULL"
    kind = "lower(e.EVENT_TYPE)" if "EVENT_TYPE" in columns else "NULL"
    value, function, join = _function(tables, metric)
    return f"""
        SELECT {literal(metric["metricName"])} AS METRIC_NAME, {literal(metric["eventType"])} AS EVENT_TYPE,
            {value}::DOUBLE AS VALUE, {literal(function)} AS MATH_FUNCTION,
            coalesce({source}, {literal(UNDEFINED)}) AS EVENT_ATTRIBUTION_SOURCE, {time} AS TIMESTAMP
        FROM INTERACTIONS e {join} WHERE {kind} = lower({literal(metric["eventType"])}) GROUP BY ALL"""


def _function(tables: Tables, metric: Mapping[str, str]) -> tuple[str, str, str]:
    """The SQL of an expression, its name in the report, and the join that it needs."""
    found = _SUM.fullmatch(metric["expression"].replace(" ", ""))
    if found is None:
        return "count(*)", "samplecount", ""
    dataset, column = found[1].upper(), found[2]
    if dataset not in tables.schemas or column not in tables.schemas[dataset].names:
        raise JobFailed(
            f"Metric {metric['metricName']!r} sums {dataset}.{column}, which does not exist."
        )
    if dataset == "ITEMS":
        return (
            f"coalesce(sum(i.{quote(column)}), 0)",
            "sum",
            "LEFT JOIN ITEMS i ON i.ITEM_ID = e.ITEM_ID",
        )
    return f"coalesce(sum(e.{quote(column)}), 0)", "sum", ""
