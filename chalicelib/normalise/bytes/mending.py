"""Line by line through a CSV file that the fast parser did not take whole.

The fast path is checked by counting: as many rows as lines, or the file comes here. The result has
one record per line in plain CSV, so that it parses whole, and remembers which line each record came
from, which lines are no records, and why. A stray quote costs its own line only, never the ones after it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

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
    """Copy the records of `source` to `target`, one per line, without header and broken lines.

    A field that needs quotes has them then, and outside of quotes nothing is escaped: the result is
    read by `plain(dialect)`.
    """
    mended = Mended(target)
    with source.open("rb") as lines, target.open("wb") as out:
        _Mender(dialect, mended, lines, out).run()
    return mended


def plain(dialect: Dialect) -> Dialect:
    """The dialect of what `mend` writes."""
    return replace(dialect, quote='"', bare=False, header_lines=0)


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


class _Mender:
    """Goes through the lines once; `ahead` holds those that were read too far."""

    def __init__(self, dialect: Dialect, mended: Mended, lines: BinaryIO, out: BinaryIO) -> None:
        self.grammar = dialect.grammar
        self.columns = len(dialect.header)
        self.skip = dialect.header_lines
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
        verdict = self.grammar.judge(line, self.columns)
        if verdict == "fine":
            self._keep(number, line)
        elif verdict == "open":
            self._join(number, line)
        else:
            self._bad(number, verdict, line)

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
            if b'"' not in following[1] and not self.grammar.bare:
                continue
            verdict = self.grammar.judge(whole, self.columns)
            if verdict == "fine":
                self._note(self.mended.fixed, "joined", number)
                self._keep(number, whole)
                self.not_records += len(taken)
                self._shift()
                return
            if verdict != "open":
                break
        self.ahead.extendleft(reversed(taken))
        self._bad(number, "quote", line)

    def _keep(self, number: int, line: bytes) -> None:
        is_escaped = self.grammar.bare and b"\\" in line
        self.out.write((self._rewritten(line) if is_escaped or b'"' in line else line) + b"\n")
        self.mended.records += 1
        if is_escaped and line.replace(rb"\N", b"").count(b"\\"):
            self._note(self.mended.fixed, "unescaped", number)

    def _rewritten(self, line: bytes) -> bytes:
        """The record with all text in quotes that needs them, and no escapes outside.

        A bare field may hold a quote, which is text there; DuckDB takes one after blanks for the
        beginning of a field.
        """
        cells = self.grammar.cells(line)
        rewritten = [self._cell(c) if b"\\" in c or b'"' in c else c for c in cells]
        return self.grammar.delimiter.join(rewritten)

    def _cell(self, cell: bytes) -> bytes:
        if self.grammar.is_quoted(cell):
            return cell
        text = self.grammar.unescaped(cell)
        if b'"' not in text and self.grammar.delimiter not in text:
            return text
        self.mended.quoted = True
        inner = (
            text.replace(b'"', b'""')
            if self.grammar.escape == b'"'
            else text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        )
        return b'"' + inner + b'"'

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
