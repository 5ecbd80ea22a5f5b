"""What was dropped and what was repaired: exact counts, and the lines of the first few."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.documents import MAX_SAMPLES, Counted
from chalicelib.normalise.engine import fetch_row, name
from chalicelib.normalise.rows.selecting import DUPLICATE, fix_test
from chalicelib.normalise.rows.table import Table


def count_drops(table: Table) -> list[Counted]:
    """Rows that a rule dropped, by rule; the lines of a CSV file that are no rows come first."""
    found = table.connection.execute(
        "SELECT _why, count(*), min(rowid, ?) FROM t WHERE _why > 0 GROUP BY _why ORDER BY _why",
        [MAX_SAMPLES],
    ).fetchall()
    counted = table.mended.drops() if table.mended else []
    for why, rows, ids in found:
        drop = table.rules.drops[why - 1]
        counted.append(Counted(drop.code, drop.sentence, rows, _lines(table, ids)))
    return counted


def count_fixes(table: Table) -> list[Counted]:
    """Repairs in the rows that no rule drops, by kind."""
    counted = table.mended.fixes() if table.mended else []
    fixes = table.rules.fixes
    tests = [fix_test(index) for index in range(len(fixes))]
    # Most files need no repair at all: one cheap question first.
    if not tests or not table.count(f"({' OR '.join(tests)}) AND _why = 0"):
        return counted
    counts = ", ".join(
        f"count(*) FILTER ({test}), min(rowid, {MAX_SAMPLES}) FILTER ({test})" for test in tests
    )
    found = fetch_row(table.connection, f"SELECT {counts} FROM t WHERE _why = 0")
    for fix, rows, ids in zip(fixes, found[0::2], found[1::2], strict=True):
        if rows:
            counted.append(Counted(fix.code, fix.sentence, rows, _lines(table, ids)))
    return counted


def mark_duplicates(
    table: Table, columns: Sequence[str], key: str | None, *, keep: bool = False
) -> list[Counted]:
    """Mark the rows that others make superfluous as DUPLICATE.

    Of rows with the same `key` the last stays, as in Personalize; without one, exact copies keep
    the first, or all with `keep`.
    """
    connection = table.connection
    if key is None and keep:
        return []
    # Grouping 8-byte hashes takes a fraction of the memory of grouping rows. Only the few rows
    # whose hash is there twice are compared for real.
    connection.execute(
        "CREATE TABLE repeated AS "
        "SELECT _hashed FROM t WHERE _why = 0 GROUP BY 1 HAVING count(*) > 1"
    )
    if not table.count(table="repeated"):
        return []
    by = name(key) if key else ", ".join(name(column) for column in columns)
    order = "DESC" if key else "ASC"
    connection.execute(
        "CREATE TABLE duplicates AS SELECT id FROM ("
        f" SELECT rowid AS id, row_number() OVER (PARTITION BY {by} ORDER BY rowid {order}) AS n"
        " FROM t WHERE _why = 0 AND _hashed IN (SELECT _hashed FROM repeated)"
        ") WHERE n > 1"
    )
    rows, ids = fetch_row(connection, f"SELECT count(*), min(id, {MAX_SAMPLES}) FROM duplicates")
    if not rows:
        return []
    connection.execute(
        f"UPDATE t SET _why = {DUPLICATE} WHERE rowid IN (SELECT id FROM duplicates)"
    )
    same_key = f"repeat an {key}; the last one is kept"
    what = same_key if key else "are exact copies of an earlier row"
    return [Counted("duplicate", what, rows, _lines(table, ids))]


def _lines(table: Table, ids: Sequence[int]) -> tuple[int, ...]:
    return tuple(table.lines(sorted(ids)))
