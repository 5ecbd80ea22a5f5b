"""What the bytes of a file contain: a row rule for something that is not there need not run."""

from __future__ import annotations

from dataclasses import dataclass

# C0 and DEL but tab and line feed, which are counted on their own.
_CONTROL = bytes(c for c in range(32) if c not in (9, 10)) + b"\x7f"
EDGE = 3  # bytes of the chunk before that matter: the longest word has four


@dataclass
class Traits:
    """False: the file holds none at all. True: it may. `lines` counts a last one without an end."""

    quotes: bool = False
    controls: bool = False
    non_ascii: bool = False
    backslashes: bool = False
    pipes: bool = False
    tabs: bool = False
    brackets: bool = False
    blanks: bool = False
    nulls: bool = False
    lines: int = 0

    @classmethod
    def unknown(cls) -> Traits:
        """For files whose bytes are not looked at: every rule has to run."""
        return cls(
            quotes=True,
            controls=True,
            non_ascii=True,
            backslashes=True,
            pipes=True,
            tabs=True,
            brackets=True,
            blanks=True,
            nulls=True,
        )

    def observe(self, chunk: bytes, edge: bytes) -> None:
        """Take note of the next chunk.

        `edge` is the end of the chunk before (EDGE bytes), so that no word hides in the cut.
        """
        self.quotes = self.quotes or b'"' in chunk
        self.backslashes = self.backslashes or b"\\" in chunk
        self.pipes = self.pipes or b"|" in chunk
        self.tabs = self.tabs or b"\t" in chunk
        self.brackets = self.brackets or b"[" in chunk
        self.blanks = self.blanks or b" " in chunk
        self.non_ascii = self.non_ascii or not chunk.isascii()
        # Removing bytes and comparing lengths is ten times as fast as looking for each of them.
        self.controls = self.controls or len(chunk.translate(None, _CONTROL)) != len(chunk)
        self.nulls = self.nulls or self._has_null_word(chunk, edge)
        self.lines += chunk.count(b"\n")

    def _has_null_word(self, chunk: bytes, edge: bytes) -> bool:
        seam = edge + chunk[:EDGE]
        words = (b"NULL", b"null", b"\\N") if self.backslashes else (b"NULL", b"null")
        return any(word in chunk or word in seam for word in words)
