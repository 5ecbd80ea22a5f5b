from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.normalise.engine import connect, fetch_row, literal, name


@pytest.mark.parametrize("text", ["plain", "O'Neil", 'say "hi"', "a\\b", "line\nbreak", ""])
def test_any_text_survives_as_a_literal_and_as_a_name(tmp_path: Path, text: str) -> None:
    with connect(tmp_path) as connection:
        assert fetch_row(connection, f"SELECT {literal(text)}") == (text,)
        table = name(text or "empty")
        assert fetch_row(connection, f"SELECT {table}.x FROM (SELECT 1 AS x) AS {table}") == (1,)


def test_times_without_a_zone_are_read_in_the_connections(tmp_path: Path) -> None:
    sql = "SELECT CAST(epoch(CAST('2023-11-14 23:13:20' AS TIMESTAMPTZ)) AS BIGINT)"
    with connect(tmp_path, timezone="Europe/Berlin") as connection:
        assert fetch_row(connection, sql) == (1_700_000_000,)


def test_what_exceeds_the_memory_goes_to_the_scratch_folder(tmp_path: Path) -> None:
    scratch = tmp_path / "new" / "scratch"
    with connect(scratch, memory_mb=32) as connection:
        connection.execute(
            "CREATE TABLE big AS SELECT range AS i, md5(range::VARCHAR) FROM range(1000000)"
        )
        assert any((scratch / "duckdb").iterdir())
