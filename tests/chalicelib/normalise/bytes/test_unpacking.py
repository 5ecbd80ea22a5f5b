from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from chalicelib.normalise.bytes.unpacking import CHUNK, Unpacked, unpack
from chalicelib.normalise.errors import FileRejected
from tests.chalicelib.normalise.house import HEADER, clean


def pack(body: bytes) -> bytes:
    """gzip without the time of day: pytest makes names of tests of it."""
    return gzip.compress(body, mtime=0)


BODY = f"{HEADER}\nu1,i1,1700000000\nu2,i2,1700000001\n"


def take_in(folder: Path, body: bytes) -> Unpacked:
    source = folder / "source"
    source.write_bytes(body)
    return unpack(source, folder)


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (pack(BODY.encode()), "unpacked gzip"),
        (pack(pack(BODY.encode())), "unpacked gzip a second time"),
        (pack(BODY[:30].encode()) + pack(BODY[30:].encode()), "unpacked gzip"),
        (b"\xef\xbb\xbf" + BODY.encode(), "removed a byte order mark"),
        (BODY.encode("utf-16"), "converted UTF-16 to UTF-8"),
        (b"\xfe\xff" + BODY.encode("utf-16-be"), "converted UTF-16 to UTF-8"),
        (BODY.encode("utf-16-le"), "converted UTF-16 to UTF-8"),
        (BODY.encode("utf-16-be"), "converted UTF-16 to UTF-8"),
        (BODY.replace("\n", "\r\n").encode(), "converted line ends"),
        (BODY.replace("\n", "\r").encode(), "converted line ends"),
    ],
)
def test_every_wrapping_gives_the_same_text(tmp_path: Path, body: bytes, note: str) -> None:
    found = take_in(tmp_path, body)
    assert found.path.read_text() == BODY
    assert note in found.notes
    assert found.traits.lines == 3


def test_a_plain_file_is_read_where_it_lies(tmp_path: Path) -> None:
    found = take_in(tmp_path, BODY.encode())
    assert found.path == tmp_path / "source"
    assert not found.notes


def test_a_first_carriage_return_after_megabytes_keeps_what_came_before(tmp_path: Path) -> None:
    rows = "".join(f"u{i},i{i},17000{i:05d}\n" for i in range(90_000))
    found = take_in(tmp_path, (HEADER + "\n" + rows + "u,i\rx,1700000000\r\n").encode())
    assert found.path.read_text() == HEADER + "\n" + rows + "u,i x,1700000000\n"


def test_a_carriage_return_at_the_edge_of_a_chunk_is_no_extra_line(tmp_path: Path) -> None:
    head = HEADER + "\r\n"
    body = head + "x" * (CHUNK - len(head) - 1) + "\r\nu2,i2,3\r\n"
    found = take_in(tmp_path, body.encode())
    assert found.path.read_text() == body.replace("\r\n", "\n")
    assert found.traits.lines == 3


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", "empty", "0 bytes"),
        (b" \n \n", "empty", "holds no text"),
        (pack(b""), "empty", "holds no text"),
        (pack(BODY.encode() * 99)[:-20], "gzip", "ends early"),
        (pack(BODY.encode())[:10] + b"\xff" * 40, "gzip", "damaged"),
        (pack(pack(pack(BODY.encode()))), "gzip", "more than twice"),
        (
            BODY.encode() + "u3,café é,1\n".encode() + b"u4,caf\xe9,1\n",
            "encoding",
            f"Byte {len(BODY) + 20} (0xe9) is no valid UTF-8",
        ),
        (BODY.encode() + "u3,книга,1\n".encode("cp1251"), "encoding", "[source] encoding"),
        (BODY.encode("utf-16") + b"\x00", "encoding", "no valid UTF-16"),
        (b"PK\x03\x04rest", "format", "is a ZIP archive"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, body: bytes, code: str, message: str
) -> None:
    with pytest.raises(FileRejected) as error:
        take_in(tmp_path, body)
    assert error.value.code == code
    assert message in str(error.value)


def test_the_offset_of_a_bad_byte_is_right_beyond_the_first_chunk(tmp_path: Path) -> None:
    good = ("é" * 1000 + "\n").encode() * 1100
    with pytest.raises(FileRejected, match=f"Byte {len(good):,} "):
        take_in(tmp_path, good + b"\xff\n")


def test_a_gzip_bomb_is_refused_within_its_limit(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="unpacks to more than"):
        take_in(tmp_path, pack(b"0" * (66 << 20)))


def test_gzip_under_any_name_is_normalised(tmp_path: Path) -> None:
    assert clean(tmp_path, pack(BODY.encode())).report.kept == 2


def test_western_text_of_one_byte_a_character_is_told_by_the_whole_file(tmp_path: Path) -> None:
    body = BODY * 50_000 + "u3,café,1\nu4,naïve € \x81,1\n"
    raw = BODY.encode() * 50_000 + b"u3,caf\xe9,1\nu4,na\xefve \x80 \x81,1\n"
    for packed in (raw, pack(raw)):
        found = take_in(tmp_path, packed)
        assert found.path.read_text() == body
        assert "converted cp1252 to UTF-8" in found.notes


def test_the_config_says_the_encoding(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes((BODY + "u3,книга,1\n").encode("cp1251"))
    assert "книга" in unpack(source, tmp_path, "cp1251").path.read_text()
    with pytest.raises(FileRejected, match="no valid SHIFT_JIS"):
        unpack(source, tmp_path, "shift_jis")
