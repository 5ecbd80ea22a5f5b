"""Clean CSV files as SQL sources: everything that runs after `normalise_file` reads them by this one function."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from chalicelib.normalise.engine import literal


def read_header(path: Path) -> tuple[str, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(next(csv.reader(file)))


def clean_source(paths: Sequence[Path], header: Sequence[str] | None = None) -> str:
    """A table function over clean files with the same header; all columns are text but TIMESTAMP.

    The extra column `_file` tells the file.
    """
    names = header or read_header(paths[0])
    types = ", ".join(f"{literal(n)}: '{'BIGINT' if n == 'TIMESTAMP' else 'VARCHAR'}'" for n in names)
    files = ", ".join(literal(str(path)) for path in paths)
    return (
        f"read_csv([{files}], auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\\', "
        f"columns = {{{types}}}, nullstr = '', new_line = '\\n', filename = '_file')"
    )
