"""Line by line through a CSV file that the fast parser did not take whole.

The fast path is checked by counting: as many rows as lines, or the file comes here. The result has
one record per line, so that it parses whole, and remembers which line each record came from, which
lines are no records, and why. A stray quote costs its own line only, never the ones after it.
"""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from chalicelib.documents import MAX_SAMPLES, Counted
from chalicelib.normalise.bytes.dialect import Dialect

MAX_LINE = 1_000_000
# How far a quoted field may go on before its quote counts as a stray one. A limit keeps a file with
# many stray quotes from being read once for each.
MAX_RECORD_LINES = 500
MAX_RECORD = 262_144
MAX_BAD_KEPT = 10_000
MAX_SHOWN = 1000  # characters of a bad line
# Stands for a line break inside quotes: the row rules flatten it in texts and refuse it in ids,
# like every control character.
JOINT = b"\x0b"

_SENTENCES = {
    "too-few": ("ragged", "have too few columns"),
    "too-many": ("ragged", "have too many columns"),
    "quote": ("quote", "have a quote that does not close"),
    "long": ("long-line", f"are longer than {MAX_LINE:,} bytes"),
}
_FIXES = {
    "joined": ("joined", "rows that went over several lines were joined"),
    "unescaped": ("unescaped", "rows with backslash escapes were read as such"),
}


@dataclass(frozen=True)
class BadLine:
    """A line (from 1) that is no record; `text` is its beginning."""

    line: int
    reason: str
    text: str


@dataclass
class Mended:
    """`path` holds one record per line and no header; `quoted` says that quotes were written.

    `shifts` are (record index, lines before it that are not records), ascending. `dropped` and
    `fixed` are (rows, the first few lines) by code.
    """

    path: Path
    records: int = 0
    quoted: bool = False
    bad: list[BadLine] = field(default_factory=list)
    shifts: list[tuple[int, int]] = field(default_factory=list)
    dropped: dict[str, tuple[int, list[int]]] = field(default_factory=dict)
    fixed: dict[str, tuple[int, list[int]]] = field(default_factory=dict)

    def line_of(self, record: int) -> int:
        """The line (from 1) that record `record` (from 0) began on."""
        index = bisect_right(self.shifts, (record, 1 << 62)) - 1
        return record + 1 + (self.shifts[index][1] if index >= 0 else 0)

    @property
    def lost(self) -> int:
        """How many lines are no records, headers and blank lines not counted."""
        return sum(rows for rows, _ in self.dropped.values())

    def drops(self) -> list[Counted]:
        """Lines that are no records, by reason."""
        return [
            Counted(*_SENTENCES[code], rows, tuple(lines))
            for code, (rows, lines) in sorted(self.dropped.items())
        ]

    def fixes(self) -> list[Counted]:
        """Records that had to be put together, by what it took."""
        return [
            Counted(*_FIXES[code], rows, tuple(lines))
            for code, (rows, lines) in sorted(self.fixed.items())
        ]


def mend(source: Path, target: Path, dialect: Dialect) -> Mended:
    """Copy the records of `source` to `target`, one per line, without header and broken lines."""
    mended = Mended(target)
    with source.open("rb") as lines, target.open("wb") as out:
        _Mender(dialect, mended, lines, out).run()
    return mended


_Verdict = Literal["fine", "open", "too-few", "too-many", "quote"]
_Line = tuple[int, bytes]  # number from 1, text without its end


def _numbered(file: BinaryIO) -> Iterator[_Line]:
    """The lines. One beyond MAX_LINE comes cut, a byte too long, so that it never fills memory."""
    number = 0
    while line := file.readline(MAX_LINE + 2):
        number += 1
        if not line.endswith(b"\n") and len(line) == MAX_LINE + 2:
            while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        yield number, line.removesuffix(b"\n")


def _patterns(delimiter: bytes, escape: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """(one whole field up to its delimiter, a quoted field that is still open at the line's end).

    Possessive repeats (`*+`) never go back, so that a hostile line costs linear time.
    """
    cell = re.escape(delimiter)
    inside = rb'(?:[^"]|"")*+' if escape == b'"' else rb'(?:[^"\\]|\\.)*+'
    end = rb"(?=" + cell + rb"|$)"
    quoted = rb'"' + inside + rb'"' + end
    bare = rb"[^" + cell + rb'"][^' + cell + rb"]*+"
    empty = end
    return (
        re.compile(rb"|".join((quoted, bare, empty)), re.DOTALL),
        re.compile(rb'"' + inside + rb"$", re.DOTALL),
    )


class _Mender:
    """Goes through the lines once; `ahead` holds those that were read too far."""

    def __init__(self, dialect: Dialect, mended: Mended, lines: BinaryIO, out: BinaryIO) -> None:
        self.delimiter = dialect.delimiter.encode()
        self.columns = len(dialect.header)
        self.skip = dialect.header_lines
        self.escape = dialect.escape.encode()
        self.field, self.opened = _patterns(self.delimiter, self.escape)
        self.numbered = _numbered(lines)
        self.ahead: deque[_Line] = deque()
        self.mended = mended
        self.out = out
        self.not_records = 0

    def run(self) -> None:
        while (current := self._next()) is not None:
            number, line = current
            if number <= self.skip or not line.strip():
                self.not_records += 1
                self._shift()
            elif len(line) > MAX_LINE:
                self._bad(number, "long", line)
            else:
                self._take(number, line)

    def _next(self) -> _Line | None:
        return self.ahead.popleft() if self.ahead else next(self.numbered, None)

    def _take(self, number: int, line: bytes) -> None:
        verdict = self._judge(line)
        if verdict == "fine":
            self._keep(self._requote(line))
        elif verdict == "open":
            self._join(number, line)
        elif (unescaped := self._unescape(line)) is not None:
            self._note(self.mended.fixed, "unescaped", number)
            self.mended.quoted = True
            self._keep(unescaped)
        else:
            self._bad(number, verdict, line)

    def _judge(self, line: bytes) -> _Verdict:
        """Whether `line` is one record of the right width.

        "open": a quoted field goes on in the next line.
        """
        if b'"' not in line:
            return self._width(line.count(self.delimiter) + 1)
        position, found = 0, 0
        while True:
            match = self.field.match(line, position)
            if match is None:
                return "open" if self.opened.match(line, position) else "quote"
            found += 1
            position = match.end()
            if position >= len(line):
                break
            position += 1
        return self._width(found)

    def _width(self, found: int) -> _Verdict:
        if found == self.columns:
            return "fine"
        return "too-few" if found < self.columns else "too-many"

    def _join(self, number: int, line: bytes) -> None:
        """A quoted line break: take lines until the record is whole.

        If it never is, the quote was a stray one: the first line alone is bad, and the others are
        looked at again, each by itself.
        """
        taken: list[_Line] = []
        whole = line
        while len(taken) < MAX_RECORD_LINES and len(whole) <= MAX_RECORD:
            following = self._next()
            if following is None:
                break
            taken.append(following)
            whole += JOINT + following[1]
            # Only a quote can close the field: judging before would cost the square of the length.
            if b'"' not in following[1]:
                continue
            verdict = self._judge(whole)
            if verdict == "fine":
                self._note(self.mended.fixed, "joined", number)
                self._keep(self._requote(whole))
                self.not_records += len(taken)
                self._shift()
                return
            if verdict != "open":
                break
        self.ahead.extendleft(reversed(taken))
        self._bad(number, "quote", line)

    def _requote(self, line: bytes) -> bytes:
        """A bare field with a quote in it, put into quotes.

        The quote is text there, but DuckDB takes one after blanks for the beginning of a field.
        """
        if b'"' not in line:
            return line
        cells, position = [], 0
        while position <= len(line) and (match := self.field.match(line, position)):
            cell = match[0]
            cells.append(self._quote(cell) if b'"' in cell and not cell.startswith(b'"') else cell)
            position = match.end() + 1
        return self.delimiter.join(cells)

    def _quote(self, cell: bytes) -> bytes:
        inner = (
            cell.replace(b'"', b'""')
            if self.escape == b'"'
            else cell.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        )
        return b'"' + inner + b'"'

    def _unescape(self, line: bytes) -> bytes | None:
        r"""The line with backslash escapes read as such, if its width is right then.

        Snowflake's default writes `pending\, silent`, Spark `"say \"hi\""`.
        """
        if b"\\" not in line:
            return None
        reader = csv.reader(
            io.StringIO(line.decode(), newline=""),
            delimiter=self.delimiter.decode(),
            doublequote=False,
            escapechar="\\",
            strict=True,
        )
        try:
            cells = next(reader, [])
        except csv.Error:
            return None
        if len(cells) != self.columns:
            return None
        special = (self.delimiter, b'"')
        encoded = [cell.replace("\n", JOINT.decode()).encode() for cell in cells]
        return self.delimiter.join(
            self._quote(cell) if any(c in cell for c in special) else cell for cell in encoded
        )

    def _keep(self, line: bytes) -> None:
        self.out.write(line + b"\n")
        self.mended.records += 1

    def _bad(self, number: int, code: str, line: bytes) -> None:
        self._note(self.mended.dropped, code, number)
        if len(self.mended.bad) < MAX_BAD_KEPT:
            self.mended.bad.append(
                BadLine(number, _SENTENCES[code][1], line[:MAX_SHOWN].decode(errors="replace"))
            )
        self.not_records += 1
        self._shift()

    def _shift(self) -> None:
        """Remember how many lines have been no records; one entry for neighbours."""
        shifts = self.mended.shifts
        if shifts and shifts[-1][0] == self.mended.records:
            shifts.pop()
        shifts.append((self.mended.records, self.not_records))

    @staticmethod
    def _note(counts: dict[str, tuple[int, list[int]]], code: str, number: int) -> None:
        rows, lines = counts.setdefault(code, (0, []))
        counts[code] = (rows + 1, [*lines, number] if len(lines) < MAX_SAMPLES else lines)
