"""The clean CSV files, as they are written and read back.

Everything that runs after `normalise_file` goes through these functions, so that how a quote or a
null is written is said once.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.normalise.engine import fetch_row, literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def write_csv(
    connection: DuckDBPyConnection, select: str, path: Path, *, backslashes: bool = True
) -> int:
    r"""Write rows as Personalize reads them; returns how many.

    Bare header, `"` and `\` escaped by `\` inside quotes, nothing for null. `backslashes` False
    says that there are none.
    """
    columns = _with_backslashes(connection, select) if backslashes else []
    form = "FORMAT csv, DELIMITER ',', QUOTE '\"', ESCAPE '\\', NULLSTR ''"
    if not columns:
        return _copy(connection, select, path, f"{form}, HEADER true")
    # DuckDB leaves a backslash bare, which one reader takes for itself and another for an escape.
    # Told to quote a column, it quotes the name, too: the header is written beside it.
    quoted = f"{form}, HEADER false, FORCE_QUOTE ({', '.join(map(name, columns))})"
    rows_only = path.with_name(f"{path.name}.rows")
    rows = _copy(connection, select, rows_only, quoted)
    header = ",".join(column for column, *_ in _describe(connection, select))
    with path.open("wb") as out, rows_only.open("rb") as body:
        out.write(header.encode() + b"\n")
        shutil.copyfileobj(body, out, 1 << 20)
    rows_only.unlink()
    return rows


def _copy(connection: DuckDBPyConnection, select: str, path: Path, form: str) -> int:
    done = connection.execute(f"COPY ({select}) TO {literal(str(path))} ({form})").fetchone()
    return int(done[0]) if done else 0


def _describe(connection: DuckDBPyConnection, select: str) -> list[tuple[str, str]]:
    found = connection.execute(f"DESCRIBE {select}").fetchall()
    return [(str(row[0]), str(row[1])) for row in found]


def _with_backslashes(connection: DuckDBPyConnection, select: str) -> list[str]:
    texts = [column for column, kind in _describe(connection, select) if kind == "VARCHAR"]
    if not texts:
        return []
    tests = ", ".join(rf"bool_or(contains({name(column)}, '\'))" for column in texts)
    found = fetch_row(connection, f"SELECT {tests} FROM ({select})")
    return [column for column, has_some in zip(texts, found, strict=True) if has_some]


def has_backslash(path: Path) -> bool:
    """Whether there is a backslash anywhere in a file."""
    with path.open("rb") as file:
        return any(b"\\" in chunk for chunk in iter(lambda: file.read(1 << 20), b""))


def read_header(path: Path) -> tuple[str, ...]:
    """The column names of a clean file."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(next(csv.reader(file)))


def clean_source(paths: Sequence[Path], *, filename: bool = False) -> str:
    """The rows of clean files as an SQL table, matched by column name.

    All columns are text but TIMESTAMP. Rows come in the order of `paths` among the files of one
    header. `filename` adds a column of that name.
    """
    by_header: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        by_header.setdefault(read_header(path), []).append(path)
    tables = [_table(header, group, filename) for header, group in by_header.items()]
    if len(tables) == 1:
        return tables[0]
    return f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {table}' for table in tables)})"


def _table(header: Sequence[str], paths: Sequence[Path], filename: bool) -> str:
    # Nothing is left to detection: DuckDB would read 007 as a number.
    types = ", ".join(
        f"{literal(column)}: '{'BIGINT' if column == 'TIMESTAMP' else 'VARCHAR'}'"
        for column in header
    )
    files = ", ".join(literal(str(path)) for path in paths)
    return (
        f"read_csv([{files}], auto_detect = false, header = true, columns = {{{types}}}, "
        f"delim = ',', quote = '\"', escape = '\\', nullstr = '', new_line = '\\n', "
        f"filename = {str(filename).lower()})"
    )
