"""What a file begins with: its header and its first rows, read as the normaliser reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.documents import Format
from chalicelib.normalise import engine
from chalicelib.normalise.bytes.decoding import AUTO
from chalicelib.normalise.bytes.dialect import DELIMITER_NAMES, UNTOLD, Told
from chalicelib.normalise.bytes.unpacking import unpack
from chalicelib.normalise.rows.sources import open_source, reading

ROWS = 3000  # enough to tell a time from an id
OBJECTS = 200  # of JSON, of which a list may hold much in each
MEMORY_MB = 2000  # a bound, not a need: only the first rows are read


@dataclass(frozen=True)
class Look:
    """`rows` are the first ones: cells as text, None for null, in the order of `header`.

    `delimiter` and `escape` are of CSV files; `notes` say what was done to the bytes.
    """

    format: Format
    header: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    delimiter: str = ""
    escape: str = ""
    notes: tuple[str, ...] = ()

    def column(self, index: int) -> list[str]:
        """The values of a column that are not null."""
        return [row[index] or "" for row in self.rows if row[index] is not None]

    @property
    def written(self) -> str:
        """How the file is written, as "CSV, comma, UTF-8"."""
        if self.format == "parquet":
            return "Parquet"
        found = (re.search(r"converted (\S+) to UTF-8", note) for note in self.notes)
        encoding = next((match[1] for match in found if match), "UTF-8")
        if self.format == "json":
            return f"JSON, {encoding}"
        name = DELIMITER_NAMES.get(self.delimiter, repr(self.delimiter))
        quotes = ", quotes escaped by \\" if self.escape == "\\" else ""
        return f"CSV, {name}, {encoding}{quotes}"


def look(
    path: Path,
    scratch: Path,
    header: Sequence[str] = (),
    encoding: str = AUTO,
    told: Told = UNTOLD,
) -> Look:
    """The beginning of a file. `scratch` is a folder for what is unpacked on the way.

    `encoding` and `told` are the config's word on how it is written.

    Raises:
        FileRejected: it is no file that can be read at all.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    unpacked = unpack(path, scratch, encoding)
    with engine.connect(scratch, memory_mb=MEMORY_MB) as connection:
        source = open_source(connection, unpacked, header, told)
        cells = ", ".join(f"_c{i}" for i in range(len(source.header)))
        limit = OBJECTS if unpacked.format == "json" else ROWS
        with reading(unpacked.format):
            rows = connection.execute(f"SELECT {cells} FROM {source.sql} LIMIT {limit}").fetchall()
    dialect = source.dialect
    return Look(
        format=unpacked.format,
        header=source.header,
        rows=tuple(rows),
        delimiter=dialect.delimiter if dialect else "",
        escape=dialect.escape if dialect else "",
        notes=unpacked.notes,
    )
