"""First look at a file: what it is by its first bytes, then unpack and decode it.

Streams, one megabyte at a time, and notes on the way what the row rules may skip.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal

from chalicelib.documents import Format
from chalicelib.normalise.bytes.decoding import AUTO, NoUtf8, guess, to_utf8, unix_lines
from chalicelib.normalise.bytes.objects import (
    is_object_a_line,
    is_yaml,
    split_json,
    split_yaml,
)
from chalicelib.normalise.bytes.packing import unpack_all
from chalicelib.normalise.bytes.traits import EDGE, Traits
from chalicelib.normalise.errors import FileRejected

CHUNK = 1 << 20
_PARQUET = b"PAR1"
_NO_CSV: dict[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"%PDF": "PDF",
    b"SQLite format 3": "SQLite",
}


@dataclass(frozen=True)
class Unpacked:
    """A UTF-8 file with LF line ends (or Parquet), ready to be parsed.

    `path` is the source itself when nothing changed; `source_bytes` and `sha256` are of the source;
    `head` is the first megabyte of the text.
    """

    path: Path
    format: Format
    source_bytes: int
    sha256: str
    traits: Traits
    notes: tuple[str, ...] = ()
    head: bytes = field(default=b"", repr=False)


def unpack(source: Path, scratch: Path, encoding: str = AUTO) -> Unpacked:
    """Unpack and decode `source` into `scratch`.

    `encoding` is a name of Python's; "auto" takes UTF-8, UTF-16, and Western text of one byte a
    character.

    Raises:
        FileRejected: empty, truncated or bomb-like gzip, unknown binary formats, bytes that are no
            text in the encoding (with the offset).
    """
    try:
        return _unpack(source, scratch, encoding)
    except NoUtf8:
        if encoding != AUTO:
            raise
        # What is no UTF-8 is decided on the whole file: the first such byte may be a damaged one.
        size, chunks = source.stat().st_size, _read(source, hashlib.sha256())
        other = guess(unpack_all(chunks, size, []))
        if other is None:
            raise
        return _unpack(source, scratch, other)


def _unpack(source: Path, scratch: Path, encoding: str) -> Unpacked:
    size = source.stat().st_size
    if size == 0:
        raise FileRejected("empty", "The file has 0 bytes. Expected a header line and rows.")
    magic = _first_bytes(source)
    if magic.startswith(_PARQUET):
        return Unpacked(source, "parquet", size, _sha256(source), Traits.unknown())
    _refuse_other_formats(magic)

    target = scratch / "unpacked"
    notes: list[str] = []
    digest = hashlib.sha256()
    chunks = unpack_all(_read(source, digest), size, notes)
    first = next(chunks, b"")
    if first.startswith(_PARQUET):
        _write(target, chain((first,), chunks))
        return Unpacked(target, "parquet", size, digest.hexdigest(), Traits.unknown())

    traits = Traits()
    text = unix_lines(to_utf8(first, chunks, notes, encoding), notes)
    path, head = _settle(source, target, text, notes, traits)
    if not head.strip():
        raise FileRejected("empty", "The file holds no text. Expected a header line and rows.")
    form = _text_format(head)
    if form == "json":
        path = _object_a_line(path, head, scratch / "objects", notes, traits)
    return Unpacked(path, form, size, digest.hexdigest(), traits, tuple(notes), head)


def _first_bytes(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(16)


def _refuse_other_formats(magic: bytes) -> None:
    for start, what in _NO_CSV.items():
        if magic.startswith(start):
            raise FileRejected(
                "format",
                f"The file is {what}. Expected CSV, JSON, YAML or Parquet, plain or packed with gzip, zstd, "
                "bzip2 or xz.",
            )


def _text_format(head: bytes) -> Literal["csv", "json"]:
    return "json" if head.lstrip()[:1] in (b"{", b"[") or is_yaml(head) else "csv"


def _object_a_line(path: Path, head: bytes, target: Path, notes: list[str], traits: Traits) -> Path:
    """The file itself if it is written so, else its objects in `target`."""
    if is_yaml(head):
        traits.lines = split_yaml(path, target)
        notes.append("read as YAML")
        return target
    if is_object_a_line(head):
        notes.append("read as JSON lines")
        return path
    traits.lines = split_json(path, target)
    notes.append("read as a JSON list" if head.lstrip()[:1] == b"[" else "read as JSON objects")
    return target


def _settle(
    source: Path, target: Path, chunks: Iterator[bytes], notes: list[str], traits: Traits
) -> tuple[Path, bytes]:
    """Where the text lies now, and its first megabyte.

    A plain file that needs no change is read where it lies: writing it again would cost as much as
    parsing it. `notes` says that something has changed, which may happen late (the first CR in the
    middle of the file): then what came before is copied.
    """
    head, last, seen = b"", b"", 0
    with ExitStack() as stack:
        out = None
        for chunk in chunks:
            if notes and out is None:
                out = stack.enter_context(target.open("wb"))
                _copy(source, out, seen)
            if len(head) < CHUNK:
                head += chunk[: CHUNK - len(head)]
            traits.observe(chunk, last)
            if out is not None:
                out.write(chunk)
            seen += len(chunk)
            last = chunk[-EDGE:] or last
    if seen and not last.endswith(b"\n"):
        traits.lines += 1
    return (target if notes else source), head


def _copy(source: Path, out: BinaryIO, size: int) -> None:
    """The first `size` bytes of `source`."""
    with source.open("rb") as file:
        while size > 0 and (chunk := file.read(min(CHUNK, size))):
            out.write(chunk)
            size -= len(chunk)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(target: Path, chunks: Iterator[bytes]) -> None:
    with target.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)


def _read(path: Path, digest: hashlib._Hash) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            yield chunk
