"""DuckDB connections within a Lambda's memory: everything beyond goes to the scratch folder."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

MEMORY_MB = 320  # of DuckDB; the process stays under 512 MB
THREADS = 2  # a Lambda of 2 GB has little more than one core, and each thread has its own buffers


@contextmanager
def connect(
    scratch: Path, *, timezone: str = "UTC", memory_mb: int = MEMORY_MB
) -> Iterator[DuckDBPyConnection]:
    """A private database whose tables spill into `scratch`."""
    import duckdb

    scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(scratch / "duckdb"),
            "threads": THREADS,
        },
    )
    try:
        # Row numbers are line numbers only as long as rows come in the order of the file.
        connection.execute("SET preserve_insertion_order = true")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET TimeZone = {literal(timezone)}")
        yield connection
    finally:
        connection.close()


def fetch_row(connection: DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """The one row of a query that has exactly one, such as an aggregate."""
    row = connection.execute(sql).fetchone()
    return row if row is not None else ()


def literal(value: str) -> str:
    """`value` as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """`value` as a quoted SQL identifier."""
    return '"' + value.replace('"', '""') + '"'
