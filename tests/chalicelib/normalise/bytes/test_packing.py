from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backports.zstd as zstd
import pytest

from chalicelib.normalise.bytes.packing import CHUNK, unpack_all
from chalicelib.normalise.errors import FileRejected
from tests.chalicelib.normalise.house import HEADER, clean

BODY = (f"{HEADER}\n" + "".join(f"u{i},i{i},{1_700_000_000 + i}\n" for i in range(90_000))).encode()
KINDS: dict[str, Callable[..., Any]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
each = pytest.mark.parametrize("kind", KINDS)


def unpacked(data: bytes) -> tuple[bytes, list[str]]:
    notes: list[str] = []
    chunks = (data[i : i + 100_000] for i in range(0, len(data), 100_000))
    return b"".join(unpack_all(chunks, len(data), notes)), notes


@each
def test_what_is_packed_comes_out_whole(kind: str) -> None:
    pack = KINDS[kind]
    assert unpacked(pack(BODY)) == (BODY, [f"unpacked {kind}"])
    assert unpacked(pack(BODY[:999]) + pack(BODY[999:])) == (BODY, [f"unpacked {kind}"])
    assert unpacked(gzip.compress(pack(b"x"))) == (
        b"x",
        [
            "unpacked gzip",
            "unpacked gzip a second time" if kind == "gzip" else f"unpacked {kind} a second time",
        ],
    )


@each
def test_what_was_cut_or_damaged_is_refused(kind: str) -> None:
    packed = KINDS[kind](BODY)
    with pytest.raises(FileRejected, match=r"ends early|damaged"):
        unpacked(packed[: len(packed) // 2])
    broken = bytearray(packed)
    for place in range(len(packed) // 3, len(packed) // 3 + 40):
        broken[place] ^= 0xFF
    with pytest.raises(FileRejected, match=r"damaged|ends early"):
        unpacked(bytes(broken))


@each
def test_a_bomb_is_refused_within_its_limit(kind: str) -> None:
    bomb = KINDS[kind](bytes(66 << 20))
    with pytest.raises(FileRejected, match="unpacks to more than"):
        unpacked(bomb)


@each
def test_no_chunk_is_larger_than_the_others(kind: str) -> None:
    chunks = list(unpack_all(iter([KINDS[kind](bytes(3 * CHUNK))]), 10, []))
    assert max(map(len, chunks)) <= CHUNK


def test_snowflakes_zstd_is_normalised_under_any_name(tmp_path: Path) -> None:
    assert clean(tmp_path, zstd.compress(BODY)).report.kept == 90_000
