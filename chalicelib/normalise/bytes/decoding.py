"""Any text to UTF-8 without a byte order mark and with LF line ends, as a stream of chunks.

Each step adds a sentence to `notes` when it changes something, at the latest with the first chunk
that it changes.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import chain

from chalicelib.normalise.errors import FileRejected


def to_utf8(first: bytes, rest: Iterator[bytes], notes: list[str]) -> Iterator[bytes]:
    """`first`, the first chunk, tells the encoding; `rest` are the others.

    Raises:
        FileRejected: bytes that are no text in that encoding, while the chunks are consumed.
    """
    chunks = chain((first,), rest)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        notes.append("converted UTF-16 to UTF-8")
        return _recode(chunks, "utf-16")
    if _looks_like_utf16(first):
        notes.append("converted UTF-16 to UTF-8")
        return _recode(chunks, "utf-16-be" if first[0] == 0 else "utf-16-le")
    if first.startswith(codecs.BOM_UTF8):
        notes.append("removed a byte order mark")
        return _check_utf8(chain((first[3:],), rest), offset=3)
    return _check_utf8(chunks, offset=0)


def unix_lines(chunks: Iterator[bytes], notes: list[str]) -> Iterator[bytes]:
    """CRLF to LF; a lone CR ends a line in a file that has no LF, and is a blank anywhere else."""
    held = b""
    lone: bytes | None = None
    for raw in chunks:
        chunk = held + raw
        held = b""
        if b"\r" in chunk:
            # The LF of a CRLF may come with the next chunk: keep the CR back until then.
            if chunk.endswith(b"\r"):
                chunk, held = chunk[:-1], b"\r"
            if lone is None:
                lone = b" " if b"\n" in chunk else b"\n"
                notes.append("converted line ends")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", lone)
        yield chunk
    if held:
        yield b"\n"


def _looks_like_utf16(first: bytes) -> bool:
    """Western text in UTF-16 has a zero in every other byte."""
    head = first[:400]
    return len(head) > 3 and (not any(head[0::2]) or not any(head[1::2]))


def _recode(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    try:
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
            offset += len(chunk)
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise FileRejected(
            "encoding", f"The file is no valid UTF-16 near byte {offset:,}. Expected UTF-8."
        ) from error


def _check_utf8(chunks: Iterator[bytes], offset: int) -> Iterator[bytes]:
    """The chunks as they are. `offset` is the place of the first one in the file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    pending = 0  # bytes of a character that the chunk before began
    for chunk in chunks:
        # ASCII is valid by itself, and most of most files: only the rest is worth decoding.
        if pending or not chunk.isascii():
            _decode(decoder, chunk, offset - pending)
            pending = len(decoder.getstate()[0])
        yield chunk
        offset += len(chunk)
    _decode(decoder, b"", offset - pending, final=True)


def _decode(
    decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, final: bool = False
) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        where = offset + error.start
        raise FileRejected(
            "encoding",
            f"Byte {where:,} (0x{error.object[error.start]:02x}) is no valid UTF-8. "
            "Expected UTF-8; export with that encoding, or drop UTF-16 with a byte order mark.",
        ) from error
