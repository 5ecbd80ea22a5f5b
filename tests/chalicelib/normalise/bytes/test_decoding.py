from __future__ import annotations

import codecs

import pytest

from chalicelib.normalise.bytes.decoding import to_utf8, unix_lines
from chalicelib.normalise.errors import FileRejected

TEXT = "USER_ID,ITEM_ID\nu1,café 🛒\n"


def decoded(chunks: list[bytes]) -> tuple[bytes, list[str]]:
    notes: list[str] = []
    return b"".join(to_utf8(chunks[0], iter(chunks[1:]), notes)), notes


def lines(*chunks: bytes) -> tuple[bytes, list[str]]:
    notes: list[str] = []
    return b"".join(unix_lines(iter(chunks), notes)), notes


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        (TEXT.encode(), []),
        (codecs.BOM_UTF8 + TEXT.encode(), ["removed a byte order mark"]),
        (TEXT.encode("utf-16"), ["converted UTF-16 to UTF-8"]),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), ["converted UTF-16 to UTF-8"]),
    ],
)
@pytest.mark.parametrize("size", [7, 8, 1000])
def test_every_encoding_becomes_utf8_wherever_the_chunks_are_cut(
    body: bytes, notes: list[str], size: int
) -> None:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert decoded(chunks) == (TEXT.encode(), notes)


def test_utf16_without_a_mark_is_told_by_its_zeros() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert decoded(["USER_ID\n".encode(encoding)])[0] == b"USER_ID\n"


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_a_bad_byte_is_named_by_its_place_in_the_file(cut: int) -> None:
    body = codecs.BOM_UTF8 + "aé".encode() + b"\xff"
    chunks = [body[:4], *(body[i : i + cut] for i in range(4, len(body), cut))]
    with pytest.raises(FileRejected, match=r"Byte 6 \(0xff\) is no valid UTF-8"):
        decoded(chunks)


def test_a_character_that_the_end_cuts_off_is_refused() -> None:
    with pytest.raises(FileRejected, match="Byte 1 "):
        decoded([b"a" + "é".encode()[:1]])


@pytest.mark.parametrize("cut", range(1, 8))
def test_line_ends_become_lf_wherever_the_chunks_are_cut(cut: int) -> None:
    body = b"a\r\nb\r\nc\r\n"
    text, notes = lines(body[:cut], body[cut:])
    assert (text, notes) == (b"a\nb\nc\n", ["converted line ends"])


@pytest.mark.parametrize(
    ("body", "text"),
    [(b"a\rb\r", b"a\nb\n"), (b"a\nb\rc\n", b"a\nb c\n"), (b"a\nb\n", b"a\nb\n")],
)
def test_a_lone_cr_ends_a_line_only_where_no_lf_does(body: bytes, text: bytes) -> None:
    assert lines(body)[0] == text
