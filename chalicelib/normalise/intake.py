"""First look at a file, as bytes: unpack, decode, and note what the later steps may skip.

Streams; 1 MB at a time.
"""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from chalicelib.normalise.errors import FileRejected

CHUNK = 1 << 20
MAX_UNPACKED = 8 << 30  # Lambda's /tmp is at most 10 GB
MAX_RATIO = 400  # a CSV of one repeated row packs about 1:250; bombs pack 1:1000
_GZIP = b"\x1f\x8b"
_CONTROL = bytes(c for c in range(32) if c not in (9, 10)) + b"\x7f"
_NO_CSV: dict[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"%PDF": "PDF",
    b"SQLite format 3": "SQLite",
}


@dataclass
class Traits:
    """What the bytes contain: a rule for something that is not there need not run."""

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


@dataclass(frozen=True)
class Intake:
    """An unpacked UTF-8 file with LF line ends (or Parquet), ready to be parsed.

    `path` is the source itself when nothing changed.
    """

    path: Path
    format: Literal["csv", "json", "parquet"]
    source_bytes: int
    sha256: str
    traits: Traits
    notes: tuple[str, ...] = ()
    head: bytes = field(default=b"", repr=False)


def take_in(source: Path, scratch: Path) -> Intake:
    """Unpack and decode `source` into `scratch`.

    :raises FileRejected: empty, truncated or bomb-like gzip, unknown binary formats, bytes that are
        no UTF-8 (with the offset).
    """
    size = source.stat().st_size
    if size == 0:
        raise FileRejected("empty", "The file has 0 bytes. Expected a header line and rows.")
    with source.open("rb") as file:
        magic = file.read(16)
    if magic.startswith(b"PAR1"):
        return Intake(source, "parquet", size, _sha256(source), _anything())
    for start, what in _NO_CSV.items():
        if magic.startswith(start):
            raise FileRejected(
                "format", f"The file is {what}. Expected CSV, JSON lines or Parquet, plain or gzip."
            )
    notes: list[str] = []
    target = scratch / "intake.txt"
    digest = hashlib.sha256()
    chunks = _unpack(_read(source, digest), size, notes)
    first = next(chunks, b"")
    if first.startswith(b"PAR1"):
        _write(target, first, chunks)
        return Intake(target, "parquet", size, digest.hexdigest(), _anything())
    chunks = _decode(first, chunks, notes)
    traits = Traits()
    path, head = _settle(source, target, _unix_lines(chunks, notes), notes, traits)
    if not head.strip():
        raise FileRejected("empty", "The file holds no text. Expected a header line and rows.")
    form: Literal["csv", "json"] = "json" if head.lstrip()[:1] in (b"{", b"[") else "csv"
    return Intake(path, form, size, digest.hexdigest(), traits, tuple(notes), head)


def _settle(
    source: Path, target: Path, chunks: Iterator[bytes], notes: list[str], traits: Traits
) -> tuple[Path, bytes]:
    """A plain file that needs no change is read where it lies: writing it again would cost as much
    as parsing it.

    `notes` says that something has changed, which may happen late (the first CR in the middle of
    the file).
    """
    head, last, emitted = b"", b"", 0
    with ExitStack() as stack:
        out = None
        for chunk in chunks:
            if notes and out is None:
                out = stack.enter_context(target.open("wb"))
                _copy(source, out, emitted)
            if len(head) < CHUNK:
                head += chunk[: CHUNK - len(head)]
            _observe(chunk, traits, last)
            if out is not None:
                out.write(chunk)
            emitted += len(chunk)
            last = chunk[-3:] or last
    if emitted and not last.endswith(b"\n"):
        traits.lines += 1
    return (target if notes else source), head


def _copy(source: Path, out: BinaryIO, size: int) -> None:
    with source.open("rb") as file:
        while size > 0 and (chunk := file.read(min(CHUNK, size))):
            out.write(chunk)
            size -= len(chunk)


def _anything() -> Traits:
    return Traits(
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(target: Path, first: bytes, rest: Iterator[bytes]) -> None:
    with target.open("wb") as out:
        out.write(first)
        for chunk in rest:
            out.write(chunk)


def _read(path: Path, digest: hashlib._Hash) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            yield chunk


def _unpack(chunks: Iterator[bytes], size: int, notes: list[str]) -> Iterator[bytes]:
    """Gzip by its magic number, whatever the name says; twice when it was packed twice."""
    for layer in range(3):
        first = next(chunks, b"")
        chunks = _chain(first, chunks)
        if not first.startswith(_GZIP):
            break
        if layer == 2:
            raise FileRejected(
                "gzip", "The file is packed with gzip more than twice. Expected once."
            )
        notes.append("unpacked gzip" if layer == 0 else "unpacked gzip a second time")
        chunks = _gunzip(chunks, size)
    yield from chunks


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _gunzip(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    total = 0
    limit = min(MAX_UNPACKED, max(size * MAX_RATIO, 64 << 20))
    try:
        for chunk in chunks:
            data = chunk
            while data:
                out = unpacker.decompress(data, CHUNK)
                total += len(out)
                if total > limit:
                    raise FileRejected(
                        "gzip",
                        f"The file unpacks to more than {limit:,} bytes from {size:,}. Expected an ordinary export.",
                    )
                if out:
                    yield out
                data = unpacker.unconsumed_tail
                if unpacker.eof:
                    data = unpacker.unused_data
                    if not data.strip(b"\0"):
                        break
                    unpacker = zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise FileRejected(
            "gzip",
            f"The gzip data is damaged after {total:,} unpacked bytes ({error}). Drop the file again.",
        ) from error
    if not unpacker.eof:
        raise FileRejected(
            "gzip",
            f"The gzip data ends early, after {total:,} unpacked bytes. Drop the whole file again.",
        )


def _decode(first: bytes, rest: Iterator[bytes], notes: list[str]) -> Iterator[bytes]:
    """To UTF-8 without a byte order mark."""
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        notes.append("converted UTF-16 to UTF-8")
        return _recode(_chain(first, rest), "utf-16")
    if _looks_like_utf16(first):
        encoding = "utf-16-be" if first[0] == 0 else "utf-16-le"
        notes.append("converted UTF-16 to UTF-8")
        return _recode(_chain(first, rest), encoding)
    if first.startswith(codecs.BOM_UTF8):
        notes.append("removed a byte order mark")
        return _check_utf8(_chain(first[3:], rest), offset=3)
    return _check_utf8(_chain(first, rest), offset=0)


def _looks_like_utf16(first: bytes) -> bool:
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
    decoder = codecs.getincrementaldecoder("utf-8")()
    pending = 0
    for chunk in chunks:
        if pending or not chunk.isascii():
            _decode_utf8(decoder, chunk, offset - pending)
            pending = len(decoder.getstate()[0])
        yield chunk
        offset += len(chunk)
    _decode_utf8(decoder, b"", offset - pending, final=True)


def _decode_utf8(
    decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, final: bool = False
) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        where = offset + error.start
        raise FileRejected(
            "encoding",
            f"Byte {where:,} (0x{error.object[error.start]:02x}) is no valid UTF-8. Expected UTF-8; "
            "export with that encoding, or drop UTF-16 with a byte order mark.",
        ) from error


def _unix_lines(chunks: Iterator[bytes], notes: list[str]) -> Iterator[bytes]:
    """CRLF to LF; a lone CR ends a line in a file that has no LF, and is a blank anywhere else."""
    held = b""
    lone: bytes | None = None
    for raw in chunks:
        chunk = held + raw
        held = b""
        if b"\r" in chunk:
            if chunk.endswith(b"\r"):
                chunk, held = chunk[:-1], b"\r"
            if lone is None:
                lone = b" " if b"\n" in chunk else b"\n"
                notes.append("converted line ends")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", lone)
        yield chunk
    if held:
        yield b"\n"


def _observe(chunk: bytes, traits: Traits, edge: bytes) -> None:
    """`edge` is the end of the chunk before, so that no word hides in the cut."""
    traits.quotes = traits.quotes or b'"' in chunk
    traits.backslashes = traits.backslashes or b"\\" in chunk
    traits.pipes = traits.pipes or b"|" in chunk
    traits.tabs = traits.tabs or b"\t" in chunk
    traits.brackets = traits.brackets or b"[" in chunk
    traits.blanks = traits.blanks or b" " in chunk
    traits.non_ascii = traits.non_ascii or not chunk.isascii()
    traits.controls = traits.controls or len(chunk.translate(None, _CONTROL)) != len(chunk)
    if not traits.nulls:
        seam = edge + chunk[:3]
        words = (b"NULL", b"null", b"\\N") if traits.backslashes else (b"NULL", b"null")
        traits.nulls = any(word in chunk or word in seam for word in words)
    traits.lines += chunk.count(b"\n")
