"""What a column holds: kind, fill, distinct values, lengths, most frequent values.

One pass for all columns, one more per short list.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

from chalicelib.documents import ColumnReport, Kind
from chalicelib.normalise.engine import fetch_row, name
from chalicelib.normalise.rows.columns import Column
from chalicelib.normalise.rows.rules import NUMBERS
from chalicelib.vocabulary.datasets import IDS, TIMES
from chalicelib.vocabulary.limits import EXACT_DIGITS, MAX_CATEGORY

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TOP = 12  # Personalize takes at most ten event types; twelve show the excess
FEW_VALUES = 100  # distinct ones, up to which the most frequent are listed
_INTEGER = f"-?(0|[1-9][0-9]{{0,{EXACT_DIGITS - 1}}})"
# A whole number that a double would round is a name: a barcode, a snowflake id.
_NAME = f"-?[0-9]{{{EXACT_DIGITS + 1},}}"
_NUMBER = "-?(0|[1-9][0-9]*)([.][0-9]*)?([eE][-+]?[0-9]+)?"


@dataclass(frozen=True)
class _Measures:
    """What one pass measures of a column; SQL expressions at first, then the values."""

    filled: Any
    distinct: Any = 0
    max_length: Any = 0
    mean_length: Any = 0
    multi_valued: Any = 0
    numbers: Any = 0
    too_long: Any = 0
    low: Any = "NULL::DOUBLE"
    high: Any = "NULL::DOUBLE"


def profile_columns(
    connection: DuckDBPyConnection,
    columns: Sequence[Column],
    table: str,
    numbers: Collection[str] = NUMBERS,
) -> tuple[ColumnReport, ...]:
    """Reports of `columns` of `table`.

    Its times must be whole numbers, its `numbers` doubles, and all others text.
    """
    # All measures of all columns in one SELECT: the table is read once.
    wanted = [astuple(_measures(column.name, numbers)) for column in columns]
    cells = ", ".join(str(expression) for measures in wanted for expression in measures)
    found = fetch_row(connection, f"SELECT {cells} FROM {table}")
    width = len(fields(_Measures))
    return tuple(
        _report(
            connection,
            column,
            table,
            _Measures(*found[index * width : (index + 1) * width]),
            column.name in numbers,
        )
        for index, column in enumerate(columns)
    )


def _measures(column: str, numbers: Collection[str]) -> _Measures:
    """The expressions that make sense for the column; each one costs time on every row."""
    cell = name(column)
    filled, distinct = f"count({cell})", f"approx_count_distinct({cell})"
    low, high = f"CAST(min({cell}) AS DOUBLE)", f"CAST(max({cell}) AS DOUBLE)"
    if column in TIMES:
        return _Measures(filled, low=low, high=high)
    if column in numbers:
        return _Measures(filled, distinct, low=low, high=high)
    max_length = f"coalesce(max(length({cell})), 0)"
    mean_length = f"coalesce(avg(length({cell})), 0)"
    if column in IDS or column == "EVENT_TYPE":
        return _Measures(filled, distinct, max_length, mean_length)
    number = f"TRY_CAST({cell} AS DOUBLE)"
    finite = f"FILTER (isfinite({number}))"
    return _Measures(
        filled,
        distinct,
        max_length,
        mean_length,
        multi_valued=f"count(*) FILTER (contains({cell}, '|'))",
        numbers=f"count(*) {finite}",
        # Bytes are free to count; characters are not.
        too_long=f"count(*) FILTER (strlen({cell}) > {MAX_CATEGORY} AND length({cell}) > {MAX_CATEGORY})",
        low=f"min({number}) {finite}",
        high=f"max({number}) {finite}",
    )


def _report(
    connection: DuckDBPyConnection,
    column: Column,
    table: str,
    found: _Measures,
    is_number: bool,
) -> ColumnReport:
    kind: Kind
    numbers = integers = 0
    if found.filled and found.numbers == found.filled:
        numbers, integers = _strictly(connection, column.name, table)
    kind = "number" if is_number else _kind(column.name, found.filled, numbers, integers)
    numeric = kind in ("timestamp", "number", "integer")
    top: tuple[tuple[str, int], ...] = ()
    if kind == "text" and (found.distinct <= FEW_VALUES or column.name == "EVENT_TYPE"):
        top = _top(connection, column.name, table)
    return ColumnReport(
        name=column.name,
        source=column.source,
        kind=kind,
        filled=found.filled,
        # The estimate may exceed what is possible.
        distinct=min(found.distinct, found.filled),
        max_length=found.max_length,
        mean_length=round(found.mean_length, 2),
        multi_valued=found.multi_valued,
        too_long=found.too_long,
        minimum=found.low if numeric else None,
        maximum=found.high if numeric else None,
        top=top,
    )


def _strictly(connection: DuckDBPyConnection, column: str, table: str) -> tuple[int, int]:
    """(numbers, whole numbers) as any reader takes them, and keeps them.

    DuckDB's own cast also likes 1_000 and 0x10; 007 is a name, and so are 19 digits.
    """
    cell = name(column)
    numbers, integers = fetch_row(
        connection,
        f"SELECT count(*) FILTER (regexp_full_match({cell}, '{_NUMBER}') "
        f"AND NOT regexp_full_match({cell}, '{_NAME}')), "
        f"count(*) FILTER (regexp_full_match({cell}, '{_INTEGER}')) FROM {table}",
    )
    return int(numbers), int(integers)


def _kind(column: str, filled: int, numbers: int, integers: int) -> Kind:
    if column in IDS:
        return "id"
    if column in TIMES:
        return "timestamp"
    if not filled:
        return "empty"
    if column == "EVENT_TYPE" or numbers < filled:
        return "text"
    return "integer" if integers == filled else "number"


def _top(connection: DuckDBPyConnection, column: str, table: str) -> tuple[tuple[str, int], ...]:
    cell = name(column)
    rows = connection.execute(
        f"SELECT {cell}, count(*) AS n FROM {table} WHERE {cell} IS NOT NULL "
        f"GROUP BY 1 ORDER BY n DESC, 1 LIMIT {TOP}"
    ).fetchall()
    return tuple((str(value), int(count)) for value, count in rows)
