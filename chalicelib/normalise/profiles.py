"""What a column holds: kind, fill, distinct values, lengths, most frequent values.

One pass for all columns, one more per short list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.documents import ColumnReport, Kind
from chalicelib.normalise.columns import IDS, TIMES, Column
from chalicelib.normalise.engine import name
from chalicelib.normalise.rules import NUMBERS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TOP = 12  # Personalize takes at most ten event types; twelve show the excess
_WIDTH = 9
_INTEGER = "-?(0|[1-9][0-9]{0,17})"
_NUMBER = "-?(0|[1-9][0-9]*)([.][0-9]*)?([eE][-+]?[0-9]+)?"


def profile_columns(
    connection: DuckDBPyConnection, columns: Sequence[Column], table: str
) -> tuple[ColumnReport, ...]:
    """Reports of `columns` of `table`, whose times are whole numbers, whose NUMBERS are doubles,
    and whose rest is text.
    """
    found = (
        connection.execute(
            f"SELECT {', '.join(_measures(c.name) for c in columns)} FROM {table}"
        ).fetchone()
        or ()
    )
    reports = []
    for index, column in enumerate(columns):
        reports.append(
            _report(connection, column, table, found[index * _WIDTH : (index + 1) * _WIDTH])
        )
    return tuple(reports)


def _measures(column: str) -> str:
    cell = name(column)
    if column in TIMES:
        return f"count({cell}), 0, 0, 0, 0, 0, 0, CAST(min({cell}) AS DOUBLE), CAST(max({cell}) AS DOUBLE)"
    base = f"count({cell}), approx_count_distinct({cell})"
    if column in NUMBERS:
        return f"{base}, 0, 0, 0, 0, 0, CAST(min({cell}) AS DOUBLE), CAST(max({cell}) AS DOUBLE)"
    lengths = f"coalesce(max(length({cell})), 0), coalesce(avg(length({cell})), 0)"
    if column in IDS or column == "EVENT_TYPE":
        return f"{base}, {lengths}, 0, 0, 0, NULL::DOUBLE, NULL::DOUBLE"
    number = f"TRY_CAST({cell} AS DOUBLE)"
    return (
        f"{base}, {lengths}, count(*) FILTER (contains({cell}, '|')), count(*) FILTER (isfinite({number})), 0, "
        f"min({number}) FILTER (isfinite({number})), max({number}) FILTER (isfinite({number}))"
    )


def _report(
    connection: DuckDBPyConnection, column: Column, table: str, found: Sequence[Any]
) -> ColumnReport:
    filled, distinct, max_length, mean_length, multi, numbers, integers, low, high = found
    if filled and numbers == filled and column.name not in (*IDS, *TIMES, *NUMBERS):
        numbers, integers = _strictly(connection, column.name, table)
    kind = _kind(column.name, filled, numbers, integers)
    numeric = kind in ("timestamp", "number", "integer")
    top: tuple[tuple[str, int], ...] = ()
    if kind == "text" and (distinct <= 100 or column.name == "EVENT_TYPE"):
        top = _top(connection, column.name, table)
    return ColumnReport(
        name=column.name,
        source=column.source,
        kind=kind,
        filled=filled,
        distinct=min(distinct, filled),
        max_length=max_length,
        mean_length=round(mean_length, 2),
        multi_valued=multi,
        minimum=low if numeric else None,
        maximum=high if numeric else None,
        top=top,
    )


def _strictly(connection: DuckDBPyConnection, column: str, table: str) -> tuple[int, int]:
    """(numbers, whole numbers) as any reader takes them: DuckDB's own cast also likes 1_000 and
    0x10; and 007 is a name.
    """
    cell = name(column)
    found = connection.execute(
        f"SELECT count(*) FILTER (regexp_full_match({cell}, '{_NUMBER}')), "
        f"count(*) FILTER (regexp_full_match({cell}, '{_INTEGER}')) FROM {table}"
    ).fetchone() or (0, 0)
    return int(found[0]), int(found[1])


def _kind(column: str, filled: int, numbers: int, integers: int) -> Kind:
    if column in IDS:
        return "id"
    if column in TIMES:
        return "timestamp"
    if column in NUMBERS:
        return "number"
    if not filled:
        return "empty"
    if column == "EVENT_TYPE" or numbers < filled:
        return "text"
    return "integer" if integers == filled else "number"


def _top(connection: DuckDBPyConnection, column: str, table: str) -> tuple[tuple[str, int], ...]:
    cell = name(column)
    rows = connection.execute(
        f"SELECT {cell}, count(*) AS n FROM {table} WHERE {cell} IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {TOP}"
    ).fetchall()
    return tuple((str(value), int(count)) for value, count in rows)
