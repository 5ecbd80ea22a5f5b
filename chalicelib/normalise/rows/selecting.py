"""The query that applies the row rules to a file, in one pass."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.normalise.engine import name
from chalicelib.normalise.rows.rules import Drop, Fix, RowRules

FIXES_PER_COLUMN = 15  # bits of a USMALLINT
# Values of `_why` beside the numbers of drops. A mark in the row, and not a join with a list of
# rows: DuckDB's joins run in parallel and lose the order of the file.
DUPLICATE, SAMPLED = 255, 254


def write_select(
    rules: RowRules, source: str, keys: Sequence[str], carry: Sequence[str] = ()
) -> str:
    """One pass over `source`.

    Columns: `_why` (0 keeps the row, else 1 + the index of the drop), `_fix0`, `_fix1`, ... (a bit
    per fix, FIXES_PER_COLUMN each), `_hashed` (of the clean columns `keys`), the columns `carry` of
    the source, and the clean columns, which never begin with an underscore.
    """
    cells = [
        f"{_why(rules.drops)} AS _why",
        *_fix_columns(rules.fixes),
        *carry,
        *(_as(alias, expression) for alias, expression in rules.values),
    ]
    hashed = f"hash({', '.join(map(name, keys))}) AS _hashed"
    # Each level may use the names of the one inside it, so that a cell is cast once, not once for
    # every rule that asks for the number.
    sql = f"SELECT {_with(rules.inner)} FROM {source}"
    sql = f"SELECT {_with(rules.numbers)} FROM ({sql})"
    sql = f"SELECT {', '.join(cells)} FROM ({sql})"
    return f"SELECT *, {hashed} FROM ({sql})"


def _as(alias: str, expression: str) -> str:
    return f"{expression} AS {name(alias)}"


def _with(helpers: Sequence[tuple[str, str]]) -> str:
    return ", ".join(["*", *(_as(alias, expression) for alias, expression in helpers)])


def _why(drops: Sequence[Drop]) -> str:
    if not drops:
        return "CAST(0 AS UTINYINT)"
    whens = " ".join(f"WHEN {drop.condition} THEN {i}" for i, drop in enumerate(drops, 1))
    return f"CAST(CASE {whens} ELSE 0 END AS UTINYINT)"


def _fix_columns(fixes: Sequence[Fix]) -> list[str]:
    groups = range(0, len(fixes), FIXES_PER_COLUMN)
    return [
        f"{_bits(fixes[first : first + FIXES_PER_COLUMN])} AS _fix{index}"
        for index, first in enumerate(groups)
    ]


def _bits(fixes: Sequence[Fix]) -> str:
    """Rows to repair are rare: the outer test is cheaper than adding up the bits of every row."""
    any_of_them = " OR ".join(f"({fix.condition})" for fix in fixes)
    bits = " + ".join(
        f"CASE WHEN {fix.condition} THEN {1 << index} ELSE 0 END" for index, fix in enumerate(fixes)
    )
    return f"CAST(CASE WHEN {any_of_them} THEN {bits} ELSE 0 END AS USMALLINT)"


def fix_test(index: int) -> str:
    """The SQL condition that fix `index` was applied to a row of `write_select`."""
    return f"_fix{index // FIXES_PER_COLUMN} & {1 << index % FIXES_PER_COLUMN} > 0"
