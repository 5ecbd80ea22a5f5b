"""The clean files of one file: `part`, and `sampled` with all rows of a seeded share of the users.

The sampled rows are set aside so that the gate's truth can be taken from small files later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.normalise.bytes.dialect import NULLS
from chalicelib.normalise.bytes.passing import copy_lines, split_lines
from chalicelib.normalise.engine import fetch_row, literal, name
from chalicelib.normalise.rows.clean import write_csv
from chalicelib.normalise.rows.selecting import SAMPLED
from chalicelib.normalise.rows.table import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BUCKETS = 1_000_000
_BATCH = 100_000
_OF_SAMPLED_USERS = "_why = 0 AND USER_ID IN (SELECT USER_ID FROM sampled_users)"


@dataclass(frozen=True)
class Users:
    """Users of the kept rows, and those with two or more of them."""

    users: int = 0
    with_two: int = 0


@dataclass(frozen=True)
class Parts:
    """Both files have the same header. `sampled_rows` is 0 when `sampled` was not written."""

    part: Path
    sampled: Path
    sampled_rows: int = 0


def bucket_sql(seed: str) -> str:
    """0 to 999,999 by MD5 of seed and user: the same on every machine and in every version."""
    return f"md5_number_lower({literal(seed + ':')} || USER_ID) % {BUCKETS}"


def sample_users(
    table: Table, dataset: str, columns: Sequence[str], limit: int, seed: str
) -> Users:
    """Create the table `sampled_users`: those whose bucket is below `limit`, of interactions."""
    connection = table.connection
    if dataset not in ("interactions", "action_interactions"):
        connection.execute("CREATE TABLE sampled_users (USER_ID VARCHAR)")
        # Users are unique by now: each kept row is one.
        return Users(table.count(table="kept")) if "USER_ID" in columns else Users()
    connection.execute(
        "CREATE TABLE users AS SELECT USER_ID, count(*) AS n FROM kept GROUP BY USER_ID"
    )
    # Only interactions are judged by the gate.
    below = limit if dataset == "interactions" else 0
    connection.execute(
        "CREATE TABLE sampled_users AS "
        f"SELECT USER_ID FROM users WHERE {bucket_sql(seed)} < {below}"
    )
    users, two = fetch_row(connection, "SELECT count(*), count(*) FILTER (n > 1) FROM users")
    return Users(int(users), int(two))


def write_parts(
    table: Table, columns: Sequence[str], folder: Path, *, is_clean: bool, everyone: bool
) -> Parts:
    """Write part.csv and, when a row is sampled, sampled.csv; the rows are in the file's order.

    After this, rows in `sampled` may no longer be in the view `kept`.
    `is_clean` says that no row was dropped or repaired, `everyone` that all users are sampled.
    """
    part, sampled = folder / "part.csv", folder / "sampled.csv"
    has_sample = table.count(table="sampled_users") > 0
    if is_clean and _is_written_clean(table, columns):
        return _copy(table, columns, part, sampled, has_sample=has_sample, everyone=everyone)

    select = f"SELECT {', '.join(name(column) for column in columns)} FROM t"
    if has_sample:
        table.connection.execute(f"UPDATE t SET _why = {SAMPLED} WHERE {_OF_SAMPLED_USERS}")
    signs = table.unpacked.traits.backslashes
    write_csv(table.connection, f"{select} WHERE _why = 0", part, backslashes=signs)
    if not has_sample:
        return Parts(part, sampled)
    aside = f"{select} WHERE _why = {SAMPLED}"
    rows = write_csv(table.connection, aside, sampled, backslashes=signs)
    return Parts(part, sampled, rows)


def _is_written_clean(table: Table, columns: Sequence[str]) -> bool:
    """Whether the file's own lines are CSV as Personalize reads it, column for column."""
    dialect, traits = table.source.dialect, table.unpacked.traits
    return (
        dialect is not None
        and table.mended is None
        and dialect.delimiter == ","
        and len(columns) == len(dialect.header)
        and not traits.quotes
        and not traits.backslashes
        and not traits.nulls
        and dialect.nulls == NULLS  # else who knows which words are in it
    )


def _copy(
    table: Table,
    columns: Sequence[str],
    part: Path,
    sampled: Path,
    *,
    has_sample: bool,
    everyone: bool,
) -> Parts:
    """The lines as they are: writing rows anew costs as much as parsing them did."""
    header = ",".join(columns).encode() + b"\n"
    dialect = table.source.dialect
    source, skip = table.unpacked.path, dialect.header_lines if dialect else 0
    if not has_sample:
        copy_lines(source, skip, header, part)
        return Parts(part, sampled)
    if everyone:
        copy_lines(source, skip, header, sampled)
        part.write_bytes(header)
        return Parts(part, sampled, table.count())
    aside = table.connection.execute(
        f"SELECT rowid FROM t WHERE {_OF_SAMPLED_USERS} ORDER BY rowid"
    )
    rows = split_lines(source, skip, header, _numbers(aside), part, sampled)
    return Parts(part, sampled, rows)


def _numbers(found: DuckDBPyConnection) -> Iterator[int]:
    """The one whole number of each row of a query's result, which need not fit the memory."""
    while rows := found.fetchmany(_BATCH):
        for (number,) in rows:
            yield number
