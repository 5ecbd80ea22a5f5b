"""A CSV, JSON or Parquet file as an SQL table whose cells are text: _c0, _c1, ... by the header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.documents import Format
from chalicelib.normalise.bytes.dialect import UNTOLD, Dialect, Told, read_dialect
from chalicelib.normalise.bytes.mending import MAX_LINE
from chalicelib.normalise.bytes.objects import MAX_OBJECT
from chalicelib.normalise.bytes.unpacking import Unpacked
from chalicelib.normalise.engine import literal, name
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.columns import Column
from chalicelib.normalise.rows.objects import find_fields
from chalicelib.normalise.rows.rules import Drop

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NO_OBJECT = Drop("json", "are no JSON object", "_unreadable")


@dataclass(frozen=True)
class Source:
    """`sql` is the table. `dialect` is of a CSV file.

    `plain` are the indices of columns whose type cannot hold quotes or control characters. `carry`
    are further columns of the table, `drops` the rows of it that are none. `is_nested` says that the
    columns are fields of objects. `order` are the index of the column that all lines of an order have
    in common, and those of columns that only its first line may have.
    """

    header: tuple[str, ...]
    sql: str
    dialect: Dialect | None = None
    plain: frozenset[int] = frozenset()
    carry: tuple[str, ...] = ()
    is_nested: bool = False
    drops: tuple[Drop, ...] = ()
    order: tuple[int, tuple[int, ...]] | None = None

    def with_orders(self, key: str, columns: Sequence[Column]) -> Source:
        """The same, where all lines of an order have the column `key` in common, if there is one.

        Of `columns`, who bought and when are the order's; all others are the line's own.
        """
        names = [name.lower() for name in self.header]
        if not key or key.lower() not in names or self.dialect is None:
            return self
        shared = tuple(c.index for c in columns if c.name in ("USER_ID", "TIMESTAMP"))
        return replace(self, order=(names.index(key.lower()), shared))

    def whole(self, table: str) -> str:
        """`table` with what only the first line of an order has in the others, too."""
        if self.order is None:
            return table
        key, shared = f"_c{self.order[0]}", self.order[1]
        same = f"OVER (PARTITION BY {key} ORDER BY _row)"
        cells = ", ".join(
            f"CASE WHEN {key} IS NULL THEN _c{i} ELSE coalesce(_c{i}, first(_c{i}) {same}) END AS _c{i}"
            for i in shared
        )
        numbered = f"SELECT *, row_number() OVER () AS _row FROM {table}"
        filled = f"SELECT * REPLACE ({cells}) FROM ({numbered})"
        return f"(SELECT * EXCLUDE (_row) FROM ({filled}) ORDER BY _row)"


def open_source(
    connection: DuckDBPyConnection,
    unpacked: Unpacked,
    header: Sequence[str] = (),
    told: Told = UNTOLD,
    columns: Mapping[str, str] | None = None,
) -> Source:
    """`header` names the columns of a CSV file that has no header line, `told` how it is written.

    `columns` is target -> source name: a list that holds what an id is mapped to gives a row for
    each of its objects.

    Raises:
        FileRejected: there is no header, or no Parquet behind its magic number.
    """
    if unpacked.format == "parquet":
        return _open_parquet(connection, unpacked.path, columns or {})
    if unpacked.format == "json":
        return _open_json(connection, json_lines(unpacked.path), columns or {})
    dialect, quotes = read_dialect(unpacked, header, told), unpacked.traits.quotes
    sql = csv_table(unpacked.path, dialect, has_quotes=quotes)
    return Source(dialect.header, sql, dialect)


@contextmanager
def reading(form: Format) -> Iterator[None]:
    """Turns DuckDB's errors while it reads the file into the reason why the file is refused."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        first_line = str(error).split("\n", 1)[0][:300]
        raise FileRejected(
            "unreadable", f"The file cannot be read as {form}: {first_line}"
        ) from error


# -- CSV -------------------------------------------------------------------------------------------


def csv_table(path: Path, dialect: Dialect, *, has_quotes: bool) -> str:
    """The rows after the header lines.

    Lines that are no rows are left out in silence: whoever reads this has to count. A file without
    quotes is parsed without looking for them, which is faster.
    """
    width = range(len(dialect.header))
    quote, escape = (dialect.quote, dialect.escape) if has_quotes and dialect.quote else ("", "")
    # DuckDB takes no null text that holds the escape character: there the N with a backslash is
    # made null one step later.
    later = [null for null in dialect.nulls if escape and escape in null]
    nulls = [null for null in dialect.nulls if null not in later]
    options = {
        "auto_detect": "false",
        "header": "false",
        "skip": str(dialect.header_lines),
        "delim": literal(dialect.delimiter),
        "quote": literal(quote),
        "escape": literal(escape),
        "columns": "{" + ", ".join(f"'_c{i}': 'VARCHAR'" for i in width) + "}",
        "nullstr": "[" + ", ".join(literal(null) for null in nulls) + "]",
        "new_line": r"'\n'",
        "strict_mode": "true",
        "ignore_errors": "true",
        "max_line_size": str(MAX_LINE + 2),
    }
    table = _read_csv(path, options)
    if not later:
        return table
    listed = ", ".join(map(literal, later))
    cells = ", ".join(f"CASE WHEN _c{i} NOT IN ({listed}) THEN _c{i} END AS _c{i}" for i in width)
    return f"(SELECT {cells} FROM {table})"


def _read_csv(path: Path, options: dict[str, str]) -> str:
    told = ", ".join(f"{option} = {value}" for option, value in options.items())
    return f"read_csv({literal(str(path))}, {told})"


# -- Parquet ---------------------------------------------------------------------------------------


def _open_parquet(connection: DuckDBPyConnection, path: Path, columns: Mapping[str, str]) -> Source:
    table = f"read_parquet({literal(str(path))})"
    with reading("parquet"):
        described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    header = tuple(str(row[0]) for row in described)
    types = [str(row[1]) for row in described]
    if any(kind.startswith("STRUCT") and kind.endswith("[]") for kind in types):
        # Lists of objects, as BigQuery exports them: the same as in JSON.
        return _open_json(connection, f"SELECT to_json(t) AS j FROM {table} t", columns)
    cells = ", ".join(
        f"{_as_text(column, kind)} AS _c{i}"
        for i, (column, kind) in enumerate(zip(header, types, strict=True))
    )
    textual = ("VARCHAR", "STRUCT", "MAP", "BLOB", "JSON")
    plain = frozenset(i for i, kind in enumerate(types) if not kind.startswith(textual))
    return Source(header, f"(SELECT {cells} FROM {table})", plain=plain)


def _as_text(column: str, kind: str) -> str:
    """Times as epoch seconds, lists as Personalize reads them."""
    cell = name(column)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CAST(CAST(floor(epoch(CAST({cell} AS TIMESTAMPTZ))) AS BIGINT) AS VARCHAR)"
    if kind.endswith("[]"):
        return f"array_to_string({cell}, '|')"
    return f"CAST({cell} AS VARCHAR)"


# -- JSON ------------------------------------------------------------------------------------------


def json_lines(path: Path) -> str:
    """The objects of JSON lines as column j, which is null where a line is no JSON."""
    # DuckDB's JSON reader gives up the whole file at a damaged line. So each line is read as a CSV
    # row of one cell, by a delimiter that text does not hold, and judged by itself.
    lines = _read_csv(
        path,
        {
            "auto_detect": "false",
            "header": "false",
            "delim": "'\x01'",
            "quote": "''",
            "escape": "''",
            "columns": "{'line': 'VARCHAR'}",
            "new_line": r"'\n'",
            "ignore_errors": "true",
            "max_line_size": str(MAX_OBJECT),
            # By itself DuckDB takes 32 times the longest line for each thread: all our memory.
            "buffer_size": str(2 * MAX_OBJECT),
        },
    )
    valid = "CASE WHEN json_valid(line) THEN CAST(line AS JSON) END"
    return f"SELECT {valid} AS j FROM {lines} WHERE trim(line) <> ''"


def _open_json(connection: DuckDBPyConnection, objects: str, columns: Mapping[str, str]) -> Source:
    """One row per object, or per object of a list in it.

    `_line` is the object's number in the file, `_unreadable` whether it is none.
    """
    with reading("json"):
        fields = find_fields(connection, objects)
    if not fields.expressions:
        raise FileRejected(
            "json", "No line of the file is a JSON object with fields. Expected one per line."
        )
    return Source(
        tuple(fields.expressions),
        fields.rows(objects, columns),
        carry=("_line",),
        drops=(NO_OBJECT,),
        is_nested=True,
    )
