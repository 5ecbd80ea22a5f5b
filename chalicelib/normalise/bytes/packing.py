"""Packed bytes to plain ones, as a stream of chunks: gzip, zstd, bzip2 and xz, by their first bytes.

The name of a file says nothing: Snowflake writes gzip into a `.csv`.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from chalicelib.normalise.errors import FileRejected

CHUNK = 1 << 20
MAX_UNPACKED = 8 << 30  # Lambda's /tmp is at most 10 GB
MAX_RATIO = 400  # a CSV of one repeated row packs about 1:250; bombs pack 1:1000
FREE_BYTES = 64 << 20  # a small file may unpack to this much, whatever its ratio
MAX_LAYERS = 2  # some tools pack what another has packed already
_GZIP_WINDOW = 31  # zlib's word for "with a gzip header"
_MEMORY = 128 << 20  # of an unpacker


class _Gunzip:
    """zlib's object with the interface of the other modules'."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=_GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


def _zstd() -> Any:
    """The module, which Python has from 3.14 on."""
    return importlib.import_module(
        "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    )


# First bytes: (name, what makes an unpacker of one member).
_KINDS: dict[bytes, tuple[str, Callable[[], Any]]] = {
    b"\x1f\x8b": ("gzip", _Gunzip),
    b"\x28\xb5\x2f\xfd": ("zstd", lambda: _zstd().ZstdDecompressor()),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\x00": ("xz", lambda: lzma.LZMADecompressor(memlimit=_MEMORY)),
}
_TIMES = ("", " a second time")


def unpack_all(chunks: Iterator[bytes], size: int, notes: list[str]) -> Iterator[bytes]:
    """The plain bytes; of a file that was packed twice, too. `size` is that of the file.

    Raises:
        FileRejected: as _unpack; or packed more than twice.
    """
    for layer in range(MAX_LAYERS + 1):
        first = next(chunks, b"")
        chunks = chain((first,), chunks)
        kind = next((_KINDS[magic] for magic in _KINDS if first.startswith(magic)), None)
        if kind is None:
            break
        if layer == MAX_LAYERS:
            raise FileRejected(kind[0], "The file is packed more than twice. Expected once.")
        notes.append(f"unpacked {kind[0]}{_TIMES[layer]}")
        chunks = _unpack(chunks, size, *kind)
    yield from chunks


def _unpack(
    chunks: Iterator[bytes], size: int, name: str, make: Callable[[], Any]
) -> Iterator[bytes]:
    """One layer, of one member or of several joined, as `cat a.gz b.gz` makes.

    Raises:
        FileRejected: damaged, cut short, or unpacking to far more than its `size` allows.
    """
    unpacker = make()
    total = 0
    limit = min(MAX_UNPACKED, max(size * MAX_RATIO, FREE_BYTES))
    try:
        for chunk in chunks:
            data = chunk
            while data or not (unpacker.needs_input or unpacker.eof):
                # At most CHUNK bytes come out at a time, so that a bomb cannot fill the memory.
                out = unpacker.decompress(data, CHUNK)
                data = b""
                total += len(out)
                if total > limit:
                    raise FileRejected(
                        name,
                        f"The file unpacks to more than {limit:,} bytes from {size:,}. "
                        "Expected an ordinary export.",
                    )
                if out:
                    yield out
                if unpacker.eof:
                    data = unpacker.unused_data
                    # Zeros after the last member are padding of tapes and block stores.
                    if not data.strip(b"\0"):
                        break
                    unpacker = make()
    except (zlib.error, lzma.LZMAError, OSError, EOFError, _zstd().ZstdError) as error:
        raise FileRejected(
            name,
            f"The {name} data is damaged after {total:,} unpacked bytes ({error}). "
            "Drop the file again.",
        ) from error
    if not unpacker.eof:
        raise FileRejected(
            name,
            f"The {name} data ends early, after {total:,} unpacked bytes. Drop the whole file again.",
        )
