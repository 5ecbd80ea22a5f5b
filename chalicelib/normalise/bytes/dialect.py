"""How a text file is written: delimiter, quotes, escapes, nulls, header line.

The first megabyte tells delimiter and header; what quotes and backslashes mean is decided on all
lines (`voting`), and only where the file has both kinds of signs. The config's word goes first.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chalicelib.normalise.bytes.grammar import Grammar
from chalicelib.normalise.bytes.unpacking import Unpacked
from chalicelib.normalise.bytes.voting import readings, vote
from chalicelib.normalise.errors import FileRejected

DELIMITERS = (",", ";", "\t", "|", "::")
AUTO = "auto"
NULLS = ("", "NULL", "null", r"\N")
MAX_COLUMNS = 500
_LOOKED_AT = 1000  # lines, for the delimiter
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "two colons"}
_SIGNS = (b'"', b"\\")


@dataclass(frozen=True)
class Told:
    """What the config says of how files are written: "auto" and None leave it to the file."""

    delimiter: str = AUTO
    quote: str = AUTO
    escape: str = AUTO
    nulls: tuple[str, ...] | None = None

    @property
    def null_texts(self) -> tuple[str, ...]:
        """What stands for no value; nothing at all always does."""
        return NULLS if self.nulls is None else ("", *self.nulls)

    def quotes(self) -> bool | None:
        return None if self.quote == AUTO else self.quote == '"'


UNTOLD = Told()


@dataclass(frozen=True)
class Dialect:
    """`header` as written, without quotes; `header_lines` is 0 when the config gave the header.

    `quote` is empty where quotes are text. `bare` says that a backslash outside of quotes escapes
    what follows. `nulls` are the texts that stand for no value.
    """

    delimiter: str
    escape: str
    header: tuple[str, ...]
    header_lines: int
    quote: str = '"'
    bare: bool = False
    nulls: tuple[str, ...] = field(default=NULLS)

    @property
    def grammar(self) -> Grammar:
        return Grammar(self.delimiter.encode(), bool(self.quote), self.escape.encode(), self.bare)

    def read_by(self, grammar: Grammar) -> Dialect:
        """The same with another meaning of quotes and backslashes."""
        quote = '"' if grammar.quotes else ""
        return replace(self, quote=quote, escape=grammar.escape.decode(), bare=grammar.bare)

    def describe(self, *, quotes: bool, backslashes: bool) -> str:
        """What was decided, as a user would say it; of signs only that the file has."""
        told = [DELIMITER_NAMES.get(self.delimiter, repr(self.delimiter))]
        if quotes:
            doubled = "quotes inside quotes are " + ("doubled" if self.escape == '"' else r"\"")
            told.append(doubled if self.quote else "quotes are text")
        if backslashes:
            told.append("a backslash escapes" if self.bare else "a backslash is text")
        nulls = [repr(null).replace("\\\\", "\\") for null in self.nulls if null]
        told.append(f"nothing{''.join(f', {null}' for null in nulls)} for null")
        return f"read as CSV: {'; '.join(told)}"


def read_dialect(unpacked: Unpacked, header: Sequence[str] = (), told: Told = UNTOLD) -> Dialect:
    """How a CSV file is written.

    `header` names the columns of a file without a header line; a file that has the same one all the
    same is read by it. `told` is the config's word.

    Raises:
        FileRejected: no header can be read, or it has another width than `header`.
    """
    dialect = _read_header(unpacked, header, told)
    if not unpacked.traits.backslashes:
        return dialect.read_by(_allowed(dialect, told)[0])
    return decide(unpacked, dialect, told, with_quotes=False)


def decide(unpacked: Unpacked, dialect: Dialect, told: Told, *, with_quotes: bool) -> Dialect:
    """The dialect with the quotes and escapes under which most lines have the header's width.

    `with_quotes` asks lines with quotes, too: needed only for a file that is not read whole
    otherwise.
    """
    allowed = _allowed(dialect, told)
    columns = len(dialect.header)
    grammar = vote(unpacked.path, dialect.header_lines, columns, allowed, with_quotes=with_quotes)
    return dialect.read_by(grammar)


def _allowed(dialect: Dialect, told: Told) -> list[Grammar]:
    quotes = told.quotes()
    # Nobody who writes `::` quotes anything, and titles of films begin with quotes.
    if quotes is None and len(dialect.delimiter) > 1:
        quotes = False
    return readings(dialect.delimiter.encode(), escape=told.escape, quotes=quotes)


def _read_header(unpacked: Unpacked, header: Sequence[str], told: Told) -> Dialect:
    text = unpacked.head.decode("utf-8", errors="ignore")
    leading = len(text) - len(text.lstrip("\n"))  # blank lines above the header
    lines = text[leading:].split("\n", _LOOKED_AT)[:_LOOKED_AT]
    first = lines[0]
    delimiter = _delimiter(lines, header) if told.delimiter == AUTO else told.delimiter
    cells = tuple(_cells(first, delimiter))
    nulls = told.null_texts
    if header and not _is_header(cells, header):
        if len(cells) != len(header):
            raise FileRejected(
                "header",
                f"The first line has {len(cells)} columns. Expected {len(header)}, "
                f"as the config's header has: {', '.join(header)}.",
            )
        return Dialect(delimiter, '"', tuple(header), leading, nulls=nulls)
    if not any(cells) or len(cells) > MAX_COLUMNS:
        raise FileRejected(
            "header", f"The first line, {first[:80]!r}, is no header. Expected column names."
        )
    return Dialect(delimiter, '"', cells, leading + 1, nulls=nulls)


def _delimiter(lines: Sequence[str], header: Sequence[str]) -> str:
    """The delimiter that splits the first lines alike; of several, the one that splits best."""
    widths = {d: [len(_cells(line, d)) for line in lines[:1]] for d in DELIMITERS}
    if header:
        for candidate in DELIMITERS:
            if widths[candidate][0] == len(header):
                return candidate
    bare = re.sub(r'"[^"]*"', "", lines[0])
    found = [d for d in DELIMITERS if d in bare]
    if len(found) < 2:
        return found[0] if found else DELIMITERS[0]

    def splits(candidate: str) -> tuple[float, int, int]:
        grammar = Grammar(candidate.encode(), quotes=len(candidate) == 1)
        width = widths[candidate][0]
        told = [line.encode() for line in lines[1:] if line.strip()]
        alike = sum(grammar.judge(line, width) == "fine" for line in told)
        share = round(alike / max(len(told), 1), 1)
        return share, bare.count(candidate), -DELIMITERS.index(candidate)

    return max(found, key=splits)


def _cells(line: str, delimiter: str) -> list[str]:
    if len(delimiter) > 1:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        cells = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    except csv.Error as error:
        raise FileRejected(
            "header", f"The first line, {line[:80]!r}, is no header ({error})."
        ) from error
    return [cell.strip().strip('"').strip() for cell in cells]


def _is_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    return [c.lower() for c in cells] == [h.lower() for h in header]
