"""Clean CSV files as SQL sources: everything that runs after `normalise_file` reads them by this
one function.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from chalicelib.normalise.engine import literal


def read_header(path: Path) -> tuple[str, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(next(csv.reader(file)))


def clean_source(paths: Sequence[Path]) -> str:
    """A table of the rows of clean files, matched by column name; all columns are text but
    TIMESTAMP.

    The extra column `_file` tells the file. Rows come in the order of `paths` within the files of
    one header.
    """
    by_header: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        by_header.setdefault(read_header(path), []).append(path)
    tables = [_table(header, group) for header, group in by_header.items()]
    return (
        tables[0]
        if len(tables) == 1
        else f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {table}' for table in tables)})"
    )


def _table(header: Sequence[str], paths: Sequence[Path]) -> str:
    types = ", ".join(
        f"{literal(n)}: '{'BIGINT' if n == 'TIMESTAMP' else 'VARCHAR'}'" for n in header
    )
    files = ", ".join(literal(str(path)) for path in paths)
    return (
        f"read_csv([{files}], auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\\', "
        f"columns = {{{types}}}, nullstr = '', new_line = '\\n', filename = '_file')"
    )
