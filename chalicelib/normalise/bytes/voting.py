r"""What quotes and backslashes mean in a file: each line votes, and the whole file is read alike.

A single line tells nothing: `"C:\"` may end in a backslash or go on after a quote, and `a\\b` may
hold one backslash or two. Only how all lines come out at the header's width tells.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from chalicelib.normalise.bytes.grammar import Grammar

CHUNK = 1 << 22
MAX_LINE = 100_000  # bytes; longer ones do not vote
_MAX_SHAPES = 50_000  # that are remembered
_FEW = 2  # lines, that may be damaged
_NULL = rb"\N"


def vote(
    path: Path, skip: int, columns: int, allowed: Sequence[Grammar], *, with_quotes: bool
) -> Grammar:
    r"""The reading under which most lines of the file have `columns` fields.

    The first `skip` lines are the header. Lines with a backslash vote, and `with_quotes` those with a
    quote, too. Of readings that do as well the first one of `allowed` counts, unless all backslashes
    are escaped ones and nulls are written `\N`.
    """
    poll = _Poll(columns, allowed)
    signs = (b"\\", b'"') if with_quotes else (b"\\",)
    for line in _lines(path, skip):
        if any(sign in line for sign in signs):
            poll.count(line)
    return poll.winner()


def readings(delimiter: bytes, *, escape: str, quotes: bool | None) -> list[Grammar]:
    """All readings that the config leaves open, the most common first.

    `escape` is a word of the config's; `quotes` None leaves open whether quotes quote.
    """
    escapes = {
        "auto": [(b'"', False), (b"\\", False), (b'"', True), (b"\\", True)],
        "double": [(b'"', False)],
        "backslash": [(b"\\", True)],
        "backslash-inside": [(b"\\", False)],
        "backslash-outside": [(b'"', True)],
    }[escape]
    quoting = [True, False] if quotes is None else [quotes]
    found = [
        # Without quotes it makes no difference what escapes inside of them.
        Grammar(delimiter, quoted, inside if quoted else b'"', bare)
        for quoted, (inside, bare) in product(quoting, escapes)
    ]
    return list(dict.fromkeys(found))


class _Poll:
    """Lines of the same shape vote alike, and a file has few shapes."""

    def __init__(self, columns: int, allowed: Sequence[Grammar]) -> None:
        self.columns = columns
        self.allowed = allowed
        # Long stretches of text say nothing; an N is kept for `\N`.
        delimiter = re.escape(allowed[0].delimiter[:1])
        self.text = re.compile(rb'[^\\"N' + delimiter + rb"]+")
        self.shapes: Counter[bytes] = Counter()
        self.votes: Counter[Grammar] = Counter()
        self.nulls = self.pairs = self.lone = 0
        self.quoted = self.not_quoted = 0

    def count(self, line: bytes) -> None:
        self.shapes[self.text.sub(b"x", line)] += 1
        if len(self.shapes) > _MAX_SHAPES:
            self._tally()

    def winner(self) -> Grammar:
        self._tally()
        are_text = self.not_quoted >= _FEW and self.not_quoted > _FEW * self.quoted
        allowed = [g for g in self.allowed if g.quotes is not are_text] or self.allowed
        most = max(self.votes[grammar] for grammar in allowed)
        best = [grammar for grammar in allowed if self.votes[grammar] == most]
        if self.nulls and self.pairs and not self.lone:
            return next((grammar for grammar in best if grammar.bare), best[0])
        return best[0]

    def _tally(self) -> None:
        for shape, lines in self.shapes.items():
            self._vote(shape, lines)
        self.shapes.clear()

    def _vote(self, shape: bytes, lines: int) -> None:
        plain = Grammar(self.allowed[0].delimiter)
        cells = plain.cells(shape)
        outside = [cell for cell in cells if not cell.startswith(b'"')]
        has_lone = any(_has_lone(cell, plain.delimiter) for cell in outside)
        self.nulls += lines * (_NULL in outside)
        self.pairs += lines * any(rb"\\" in cell for cell in outside)
        self.lone += lines * has_lone
        verdicts = {g: g.judge(shape, self.columns) for g in self.allowed if g.quotes}
        fine = next((g for g, verdict in verdicts.items() if verdict == "fine"), None)
        if fine:
            self.quoted += lines * any(fine.is_quoted(cell) for cell in fine.cells(shape))
        # Text behind a quoted field: the field is damaged, or its quotes are text.
        self.not_quoted += lines * (set(verdicts.values()) == {"quote"})
        for grammar in self.allowed:
            # Who escapes by backslashes escapes each of them, a line break, too.
            verdict = grammar.judge(shape, self.columns)
            goes_on = verdict == "open" and grammar.bare and shape.endswith(b"\\")
            if (verdict == "fine" or goes_on) and not (grammar.bare and has_lone):
                self.votes[grammar] += lines


def _has_lone(cell: bytes, delimiter: bytes) -> bool:
    """Whether a backslash in the cell escapes nothing that would have to be escaped."""
    if b"\\" not in cell or cell == _NULL:
        return False
    escaped = re.findall(rb"\\(.?)", cell, re.DOTALL)
    return any(sign not in (b"\\", b'"', b"", delimiter[:1]) for sign in escaped)


def _lines(path: Path, skip: int) -> Iterator[bytes]:
    """The lines that could tell something, without their ends."""
    with path.open("rb") as file:
        for _ in range(skip):
            file.readline()
        rest = b""
        while chunk := file.read(CHUNK):
            whole, cut, rest = (rest + chunk).rpartition(b"\n")
            if cut:
                yield from _short(whole)
            rest = rest[: MAX_LINE + 1]  # one that is too long already stays so
        yield from _short(rest)


def _short(block: bytes) -> Iterator[bytes]:
    if b"\\" in block or b'"' in block:
        yield from (line for line in block.split(b"\n") if len(line) <= MAX_LINE)
