"""The first rows of a file, whatever its form."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from chalicelib.normalise.errors import FileRejected
from recdrop.checking.looking import look
from tests.recdrop.checking.exports import write


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (b"a;b\n1;x\n2;\n", "CSV, semicolon, UTF-8"),
        ("a\tb\n1\tx\n2\t\n".encode("utf-16"), "CSV, tab, UTF-16"),
        (b'{"a": 1, "b": "x"}\n{"a": 2}\n', "JSON, UTF-8"),
        (b'[{"a": 1, "b": "x"}, {"a": 2}]', "JSON, UTF-8"),
    ],
)
def test_the_first_rows_are_read(tmp_path: Path, body: bytes, written: str) -> None:
    found = look(write(tmp_path, {"f": body}) / "f", tmp_path / "scratch")
    assert (found.header, found.rows) == (("a", "b"), (("1", "x"), ("2", None)))
    assert found.written == written
    assert found.column(1) == ["x"]


def test_parquet_is_read_too(tmp_path: Path) -> None:
    duckdb.sql(f"COPY (SELECT 1 AS a, 'x' AS b) TO '{tmp_path / 'f'}' (FORMAT parquet)")
    found = look(tmp_path / "f", tmp_path / "scratch")
    assert (found.rows, found.written) == ((("1", "x"),), "Parquet")


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="ZIP"):
        look(write(tmp_path, {"f": b"PK\x03\x04"}) / "f", tmp_path / "scratch")
