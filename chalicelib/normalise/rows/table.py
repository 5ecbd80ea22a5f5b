"""One file's rows in DuckDB: table `t`, one row per record, clean columns beside what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.normalise.bytes.dialect import UNTOLD, Told, decide
from chalicelib.normalise.bytes.mending import Mended, mend, plain
from chalicelib.normalise.bytes.unpacking import Unpacked
from chalicelib.normalise.engine import fetch_row, name
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.rules import RowRules
from chalicelib.normalise.rows.selecting import write_select
from chalicelib.normalise.rows.sources import Source, csv_table, reading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Table:
    """Columns of `t`: see `selecting.write_select`. `mended` tells of a CSV file that had to be."""

    connection: DuckDBPyConnection
    unpacked: Unpacked
    source: Source
    rules: RowRules
    mended: Mended | None = None

    def count(self, where: str = "true", table: str = "t") -> int:
        """The rows of `t`, or of a table made from it, for which `where` holds."""
        row = fetch_row(self.connection, f"SELECT count(*) FROM {table} WHERE {where}")
        return int(row[0])

    def create_kept(self, columns: Sequence[str]) -> None:
        """Create the view `kept` of the clean rows, in the order of the file."""
        cells = ", ".join(name(column) for column in columns)
        self.connection.execute(f"CREATE VIEW kept AS SELECT {cells} FROM t WHERE _why = 0")

    def lines(self, ids: Sequence[int]) -> list[int]:
        """The line in the file (from 1) of each row; `ids` are DuckDB's rowids in `t`."""
        if self.mended is not None:
            return [self.mended.line_of(i) for i in ids]
        if "_line" in self.source.carry:
            found = self.connection.execute(
                "SELECT rowid, _line FROM t WHERE rowid IN (SELECT unnest(?))", [list(ids)]
            ).fetchall()
            line_of = dict(found)
            return [line_of[i] for i in ids]
        dialect = self.source.dialect
        before = dialect.header_lines if dialect else 0
        return [i + 1 + before for i in ids]


def load(
    connection: DuckDBPyConnection,
    unpacked: Unpacked,
    source: Source,
    rules: RowRules,
    scratch: Path,
    *,
    key: str | None = None,
    told: Told = UNTOLD,
) -> Table:
    """Create `t`. `key` is the column by which rows replace each other; None: the whole row is.

    `told` is what the config says of how the file is written.

    Raises:
        FileRejected: the file is damaged in a way that no line can be blamed for.
    """
    keys = [key] if key else [alias for alias, _ in rules.values]
    table = Table(connection, unpacked, source, rules)
    dialect = source.dialect
    # What a backslash escapes outside of quotes, the fast parser does not read.
    if dialect is None or not dialect.bare:
        _create(table, source.sql, keys)
        if dialect is None or table.count() + dialect.header_lines == unpacked.traits.lines:
            return table
        connection.execute("DROP TABLE t")

    # The fast parser skips broken lines without saying which, and without noticing the lines that
    # an open quote swallows; so look for ourselves.
    if unpacked.traits.quotes:
        dialect = decide(unpacked, dialect, told, with_quotes=True)
        source = replace(source, dialect=dialect)
    mended = mend(unpacked.path, scratch / "mended.csv", dialect)
    has_quotes = (unpacked.traits.quotes and bool(dialect.quote)) or mended.quoted
    _create(table, csv_table(mended.path, plain(dialect), has_quotes=has_quotes), keys)
    if (rows := table.count()) != mended.records:
        raise FileRejected(
            "unreadable",
            f"{mended.records - rows:,} of {mended.records:,} rows cannot be parsed as CSV.",
        )
    return Table(connection, unpacked, source, rules, mended)


def _create(table: Table, sql: str, keys: Sequence[str]) -> None:
    select = write_select(table.rules, table.source.whole(sql), keys, table.source.carry)
    with reading(table.unpacked.format):
        table.connection.execute(f"CREATE TABLE t AS {select}")
