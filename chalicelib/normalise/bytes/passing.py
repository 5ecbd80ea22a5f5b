"""Lines that need no change, copied as bytes: the fast way out for a file that is clean already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20


def copy_lines(source: Path, skip: int, header: bytes, part: Path) -> None:
    """Copy all lines after the first `skip` to `part`, below `header` (bytes with a line end)."""
    with source.open("rb") as lines, part.open("wb") as out:
        _skip(lines, skip)
        out.write(header)
        last = header
        while chunk := lines.read(CHUNK):
            out.write(chunk)
            last = chunk
        if not last.endswith(b"\n"):
            out.write(b"\n")


def split_lines(
    source: Path, skip: int, header: bytes, aside: Iterator[int], part: Path, sampled: Path
) -> int:
    """Copy the lines after the first `skip` to `part`, and those that `aside` names to `sampled`.

    `aside` gives line numbers after the skipped ones, from 0, ascending. Both files begin with
    `header`. Returns the number of lines in `sampled`.
    """
    count = 0
    row = 0  # of the block's first line
    wanted = next(aside, -1)
    with source.open("rb") as lines, part.open("wb") as out, sampled.open("wb") as out_sampled:
        _skip(lines, skip)
        out.write(header)
        out_sampled.write(header)
        while block := lines.readlines(CHUNK):
            if not block[-1].endswith(b"\n"):
                block[-1] += b"\n"
            # Blanking the few lines that go aside is cheaper than copying the many that stay.
            picked = []
            while row <= wanted < row + len(block):
                picked.append(block[wanted - row])
                block[wanted - row] = b""
                wanted = next(aside, -1)
            out_sampled.writelines(picked)
            out.writelines(block)
            count += len(picked)
            row += len(block)
    return count


def _skip(lines: BinaryIO, count: int) -> None:
    for _ in range(count):
        lines.readline()
