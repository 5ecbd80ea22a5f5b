"""Any text to UTF-8 without a byte order mark and with LF line ends, as a stream of chunks.

Each step adds a sentence to `notes` when it changes something, at the latest with the first chunk
that it changes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain

from chalicelib.normalise.errors import FileRejected

# Windows' Western code page, and Latin-1 for the five bytes that it leaves open.
WESTERN = "cp1252"
AUTO = "auto"
_MANY = 0.25  # of the bytes beyond ASCII stand beside another: Western words have single ones


class NoUtf8(FileRejected):
    """Bytes that are no UTF-8: the file may be in another encoding."""


def to_utf8(
    first: bytes, rest: Iterator[bytes], notes: list[str], encoding: str = AUTO
) -> Iterator[bytes]:
    """`first`, the first chunk, tells the encoding; `rest` are the others.

    `encoding` is a name of Python's, or "auto".

    Raises:
        NoUtf8: bytes that are no UTF-8, while the chunks are consumed.
        FileRejected: the same of another encoding.
    """
    chunks = chain((first,), rest)
    if encoding != AUTO and codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"):
        notes.append(f"converted {encoding} to UTF-8")
        return _recode(chunks, encoding)
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


def guess(chunks: Iterator[bytes]) -> str | None:
    """The encoding of a whole file that is no UTF-8: Western, or None when that cannot be told.

    A file with more characters of UTF-8 than broken ones is damaged UTF-8. One whose bytes beyond
    ASCII come in runs is Cyrillic, Japanese or the like, and only its owner knows which.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    good = broken = beyond = in_runs = 0
    for chunk in chunks:
        if chunk.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(chunk)
        lost = text.count("\ufffd")
        broken += lost
        good += sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
        beyond += len(chunk) - len(re.sub(rb"[\x80-\xff]", b"", chunk))
        in_runs += sum(map(len, re.findall(rb"[\x80-\xff]{2,}", chunk)))
    is_western = good < broken and in_runs <= _MANY * beyond
    return WESTERN if is_western else None


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


def _latin1(error: UnicodeError) -> tuple[str, int]:
    """Bytes that cp1252 leaves open, as Latin-1 has them; errors of other encodings stay errors."""
    if isinstance(error, UnicodeDecodeError) and error.encoding == "charmap":
        return error.object[error.start : error.end].decode("latin-1"), error.end
    raise error


_OPEN_AS_LATIN1 = "recdrop-latin1"
codecs.register_error(_OPEN_AS_LATIN1, _latin1)


def _looks_like_utf16(first: bytes) -> bool:
    """Western text in UTF-16 has a zero in every other byte."""
    head = first[:400]
    return len(head) > 3 and (not any(head[0::2]) or not any(head[1::2]))


def _recode(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors=_OPEN_AS_LATIN1)
    offset = 0
    try:
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
            offset += len(chunk)
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise FileRejected(
            "encoding",
            f"The file is no valid {encoding.upper()} near byte {offset:,}. Expected UTF-8, or "
            "what [source] encoding in recdrop.toml says.",
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
        raise NoUtf8(
            "encoding",
            f"Byte {where:,} (0x{error.object[error.start]:02x}) is no valid UTF-8. Expected "
            'UTF-8, or the encoding in recdrop.toml: [source] encoding = "cp1251" and so on.',
        ) from error
