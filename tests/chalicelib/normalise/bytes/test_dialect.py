from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from chalicelib.normalise.bytes.dialect import Dialect, read_dialect
from chalicelib.normalise.bytes.unpacking import Unpacked, unpack
from chalicelib.normalise.errors import FileRejected
from tests.chalicelib.normalise.house import clean


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_and_quoted_headers_are_found_out(tmp_path: Path, delimiter: str) -> None:
    lines = [['"USER_ID"', '"ITEM_ID"', '"TIMESTAMP"'], ['"u1"', "i1", "1700000000"]]
    found = clean(tmp_path, "\n".join(delimiter.join(line) for line in lines))
    assert found.rows == [{"USER_ID": "u1", "ITEM_ID": "i1", "TIMESTAMP": "1700000000"}]


def test_a_file_without_a_header_is_read_with_the_configs(tmp_path: Path) -> None:
    body = "u1,i1,1700000000\nu2,i2,1700000001\n"
    found = clean(tmp_path, body, rules={"header": ("USER_ID", "ITEM_ID", "TIMESTAMP")})
    assert found.report.kept == 2
    with_one = clean(
        tmp_path,
        f"user_id,item_id,timestamp\n{body}",
        rules={"header": ("USER_ID", "ITEM_ID", "TIMESTAMP")},
    )
    assert with_one.report.kept == 2
    with pytest.raises(FileRejected, match=r"has 3 columns. Expected 2"):
        clean(tmp_path, body, rules={"header": ("USER_ID", "ITEM_ID")})


def unpacked(text: str) -> Unpacked:
    with tempfile.TemporaryDirectory() as folder:
        return unpack(written(Path(folder), text), Path(folder))


def written(folder: Path, text: str) -> Path:
    path = folder / "source"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "escape"),
    [
        ('A,B\n1,"say \\"hi\\" you"\n', "\\"),
        ('A,B\n1,"say ""hi"" you"\n', '"'),
        ("A,B\n1,plain\n", '"'),
    ],
)
def test_how_quotes_are_escaped_is_told_by_what_is_there(
    tmp_path: Path, text: str, escape: str
) -> None:
    assert read_dialect(unpack(written(tmp_path, text), tmp_path)).escape == escape


def test_blank_lines_above_the_header_are_counted() -> None:
    assert read_dialect(unpacked("\n\nA;B\n1;2\n")) == Dialect(";", '"', ("A", "B"), 3)
    assert read_dialect(unpacked("\n1;2\n"), ("A", "B")) == Dialect(";", '"', ("A", "B"), 1)


def test_of_two_delimiters_in_the_header_the_one_that_splits_all_lines_counts() -> None:
    text = "ITEM_ID|PRICE, net, in EUR\n1|2\n3|4\n"
    assert read_dialect(unpacked(text)).header == ("ITEM_ID", "PRICE, net, in EUR")


def test_two_colons_are_a_delimiter_and_quotes_are_text_then() -> None:
    dialect = read_dialect(unpacked('1::"Great" Cats::Drama\n'), ("A", "B", "C"))
    assert (dialect.delimiter, dialect.quote) == ("::", "")


@pytest.mark.parametrize("text", [",,\n", ",".join("x" * 501)])
def test_a_first_line_that_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(FileRejected, match="is no header"):
        read_dialect(unpacked(text))
