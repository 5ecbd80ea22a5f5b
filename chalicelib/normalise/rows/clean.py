"""The clean CSV files, as they are written and read back.

Everything that runs after `normalise_file` goes through these functions, so that how a quote or a
null is written is said once.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.normalise.engine import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def write_csv(connection: DuckDBPyConnection, select: str, path: Path) -> int:
    r"""Write rows as Personalize reads them; returns how many.

    Bare header, `"` and `\` escaped by `\` inside quotes, nothing for null.
    """
    form = "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\\', NULLSTR ''"
    done = connection.execute(f"COPY ({select}) TO {literal(str(path))} ({form})").fetchone()
    return int(done[0]) if done else 0


def read_header(path: Path) -> tuple[str, ...]:
    """The column names of a clean file."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(next(csv.reader(file)))


def clean_source(paths: Sequence[Path]) -> str:
    """The rows of clean files as an SQL table, matched by column name.

    All columns are text but TIMESTAMP. Rows come in the order of `paths` among the files of one
    header.
    """
    by_header: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        by_header.setdefault(read_header(path), []).append(path)
    tables = [_table(header, group) for header, group in by_header.items()]
    if len(tables) == 1:
        return tables[0]
    return f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {table}' for table in tables)})"


def _table(header: Sequence[str], paths: Sequence[Path]) -> str:
    # Nothing is left to detection: DuckDB would read 007 as a number.
    types = ", ".join(
        f"{literal(column)}: '{'BIGINT' if column == 'TIMESTAMP' else 'VARCHAR'}'"
        for column in header
    )
    files = ", ".join(literal(str(path)) for path in paths)
    return (
        f"read_csv([{files}], auto_detect = false, header = true, columns = {{{types}}}, "
        "delim = ',', quote = '\"', escape = '\\', nullstr = '', new_line = '\\n')"
    )
