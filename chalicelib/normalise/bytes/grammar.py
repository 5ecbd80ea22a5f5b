r'''A line of a CSV file, taken apart under one reading of its quotes and backslashes.

What a tool means by them differs:

    "say ""hi""", a\b         RFC 4180, Excel, most others: a backslash is text
    "say \"hi\""              Spark, Snowplow: a backslash escapes inside quotes
    pending\, silent, \N      Snowflake without quotes, Redshift's ESCAPE, MySQL: outside of them
    "Great" Cats :: 5" disk   MovieLens' `::`: quotes are text
'''

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

# "open": a field goes on in the next line. "quote": a quote does not close, or text follows it.
Verdict = Literal["fine", "open", "too-few", "too-many", "quote"]
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Grammar:
    """`quotes` says that a quote at a field's beginning quotes it.

    `escape` is what escapes a quote inside quotes, the quote itself or a backslash; `bare` says
    that a backslash outside of quotes escapes what follows.
    """

    delimiter: bytes = b","
    quotes: bool = True
    escape: bytes = b'"'
    bare: bool = False

    def judge(self, line: bytes, columns: int) -> Verdict:
        """Whether `line` is one record of so many columns."""
        if self._is_plain(line):
            return _width(line.count(self.delimiter) + 1, columns)
        if self._is_simple(line):
            return "open" if line.endswith(b"\\") else _width(len(self._split.split(line)), columns)
        position, found = 0, 0
        while True:
            match = self._field.match(line, position)
            if match is None:
                return "open" if self._open.match(line, position) else "quote"
            found += 1
            position = match.end()
            if position >= len(line):
                return _width(found, columns)
            position += len(self.delimiter)

    def cells(self, line: bytes) -> list[bytes]:
        """The fields of a fine line as they are written, quotes and escapes included."""
        if self._is_plain(line):
            return line.split(self.delimiter)
        if self._is_simple(line):
            return self._split.split(line)
        cells, position = [], 0
        while position <= len(line) and (match := self._field.match(line, position)):
            cells.append(match[0])
            position = match.end() + len(self.delimiter)
        return cells

    def is_quoted(self, cell: bytes) -> bool:
        return self.quotes and cell.startswith(b'"')

    def unescaped(self, cell: bytes) -> bytes:
        r"""The text of a bare field; `\N` stands for null and stays."""
        if not self.bare or b"\\" not in cell or cell == rb"\N":
            return cell
        return _ESCAPED.sub(rb"\1", cell)

    def _is_plain(self, line: bytes) -> bool:
        has_quotes = self.quotes and b'"' in line
        return not has_quotes and not (self.bare and b"\\" in line)

    def _is_simple(self, line: bytes) -> bool:
        """Whether each backslash escapes what follows, and nothing is quoted: most lines are such."""
        has_quotes = self.quotes and b'"' in line
        return self.bare and not has_quotes and rb"\\" not in line

    @cached_property
    def _split(self) -> re.Pattern[bytes]:
        return re.compile(rb"(?<!\\)" + re.escape(self.delimiter))

    @cached_property
    def _field(self) -> re.Pattern[bytes]:
        """One whole field up to its delimiter.

        Possessive repeats (`*+`) never go back, so that a hostile line costs linear time.
        """
        end = rb"(?=" + re.escape(self.delimiter) + rb"|\Z)"
        quoted = [rb'"' + self._inside + rb'"' + end] if self.quotes else []
        return re.compile(rb"|".join((*quoted, self._text + end)), re.DOTALL)

    @cached_property
    def _open(self) -> re.Pattern[bytes]:
        """A field that the end of the line does not end."""
        ways = [rb'"' + self._inside + rb"\Z"] if self.quotes else []
        if self.bare:
            ways.append(self._text + rb"\\\Z")
        return re.compile(rb"|".join(ways) or rb"(?!)", re.DOTALL)

    @property
    def _inside(self) -> bytes:
        return rb'(?:[^"]|"")*+' if self.escape == b'"' else rb'(?:[^"\\]|\\.)*+'

    @property
    def _text(self) -> bytes:
        """A field without quotes around it, which may be empty."""
        if len(self.delimiter) == 1:
            stop = re.escape(self.delimiter)
            one, first = rb"[^" + stop + rb"]", rb"[^" + stop + rb'"]'
            plain, plain_first = rb"[^\\" + stop + rb"]", rb"[^\\" + stop + rb'"]'
        else:
            before = rb"(?!" + re.escape(self.delimiter) + rb")"
            one, first = before + rb".", before + rb'[^"]'
            plain, plain_first = before + rb"[^\\]", before + rb'[^\\"]'
        if self.bare:
            one, first = rb"(?:" + plain + rb"|\\.)", rb"(?:" + plain_first + rb"|\\.)"
        first = first if self.quotes else one
        return rb"(?:" + first + rb"(?:" + one + rb")*+)?+"


def _width(found: int, columns: int) -> Verdict:
    if found == columns:
        return "fine"
    return "too-few" if found < columns else "too-many"
