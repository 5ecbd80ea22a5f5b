"""The rows that cannot be used, as they stand in the file, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from chalicelib.normalise.bytes.mending import BadLine
from chalicelib.normalise.engine import name
from chalicelib.normalise.rows.rules import NOT_BAD
from chalicelib.normalise.rows.table import Table

MAX_QUARANTINE = 10_000  # rows of a file; who has more of them needs the reason, not the rows
MAX_CELL = 300
MAX_SHOWN = 1000  # characters of a line


def write_quarantine(table: Table, key: str, path: Path) -> Path | None:
    """Write JSON lines of file (`key`), line, reason and text; None when there is nothing to write.

    Rows that the config leaves out are no fault and are not in it.
    """
    bad = list(table.mended.bad) if table.mended else []
    bad += _dropped(table, limit=MAX_QUARANTINE - len(bad))
    if not bad:
        return None
    with path.open("w", encoding="utf-8") as out:
        for row in sorted(bad, key=lambda row: (row.line, row.reason, row.text)):
            fields = {"file": key, "line": row.line, "reason": row.reason, "text": row.text}
            out.write(json.dumps(fields, ensure_ascii=False) + "\n")
    return path


def read_lines(table: Table, numbers: Collection[int]) -> dict[int, str]:
    """The text of some lines (from 1), cut; none of a Parquet file, which has no lines."""
    found: dict[int, str] = {}
    if not numbers or table.unpacked.format == "parquet":
        return found
    wanted, last = set(numbers), max(numbers)
    with table.unpacked.path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number in wanted:
                text = line[:MAX_SHOWN].decode("utf-8", errors="replace")
                found[number] = text.rstrip("\n")
            if number >= last:
                break
    return found


def _dropped(table: Table, limit: int) -> list[BadLine]:
    """The first rows that a rule dropped."""
    drops = table.rules.drops
    faults = [number for number, drop in enumerate(drops, 1) if drop.code not in NOT_BAD]
    values = ", ".join(
        f"left(CAST({name(column)} AS VARCHAR), {MAX_CELL})" for column, _ in table.rules.values
    )
    found = table.connection.execute(
        f"SELECT rowid, _why, [{values}] FROM t WHERE _why IN (SELECT unnest(?)) "
        f"ORDER BY rowid LIMIT {limit}",
        [faults],
    ).fetchall()
    lines = table.lines([row[0] for row in found])
    texts = read_lines(table, lines)
    return [
        BadLine(line, drops[why - 1].sentence, texts.get(line) or _join(cells))
        for line, (_, why, cells) in zip(lines, found, strict=True)
    ]


def _join(cells: list[Any]) -> str:
    """The clean cells, for want of the line itself."""
    return ",".join(cell or "" for cell in cells)
