"""The row rules as SQL: each column's clean value, why a row is dropped, what was repaired.

A rule that cannot apply (no quote in the whole file, say) is not written into the query; that is
where the speed comes from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chalicelib.normalise.columns import IDS, TIMES, Column
from chalicelib.normalise.engine import literal, name
from chalicelib.normalise.intake import Traits

MAX_ID = 256
MAX_CATEGORY = 1000
MAX_TEXT = 20_000
NULLS = ("", "NULL", "null", r"\N")
NUMBERS = ("EVENT_VALUE",)
FIXES_PER_COLUMN = 15
_BLANKS = "' ' || chr(9) || chr(10) || chr(13)"
FUTURE_SECONDS = 2 * 86_400  # clocks and zones differ; nothing else lies in the future

# C0, DEL, C1, the Unicode line ends, and the byte order mark in the middle of a text.
_CONTROL = r"[\x00-\x1f\x7f\x{80}-\x{9f}\x{2028}\x{2029}\x{feff}]"
_FIX_SENTENCES = {
    "ms": "timestamps in milliseconds turned into seconds",
    "us": "timestamps in microseconds turned into seconds",
    "ns": "timestamps in nanoseconds turned into seconds",
    "date": "written dates turned into epoch seconds",
    "time": "values of {name} that are no time made empty",
    "list": "lists in {name} written with '|'",
    "number": "values of {name} that are no number made empty",
    "flat": "line breaks and control characters in {name} turned into blanks",
    "plain": "values of {name} written as plain numbers",
    "blank": "blanks around {name} removed",
    "cut": f"texts in {{name}} cut to {MAX_TEXT:,} characters",
}


@dataclass(frozen=True)
class Drop:
    """Rows for which `condition` holds are dropped; `code` and `sentence` go into the report."""

    code: str
    sentence: str
    condition: str


@dataclass(frozen=True)
class Fix:
    code: str
    sentence: str
    condition: str


@dataclass(frozen=True)
class RowRules:
    """`inner` and, from those, `numbers` are helper columns computed once per row, `values` (name,
    expression) the clean columns.
    """

    inner: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    drops: tuple[Drop, ...]
    fixes: tuple[Fix, ...]


def write_rules(
    columns: Sequence[Column],
    traits: Traits,
    now: float,
    events: Sequence[str] = (),
    plain: Collection[int] = (),
) -> RowRules:
    """The rules for the columns of one file. Raw cells are the SQL columns _c0, _c1, ...; `now` is
    epoch seconds.

    `plain` are the indices of columns whose type cannot hold quotes or control characters (numbers
    in Parquet).
    """
    inner: list[tuple[str, str]] = []
    numbers: list[tuple[str, str]] = []
    values: list[tuple[str, str]] = []
    drops: list[Drop] = []
    fixes: list[Fix] = []
    for column in columns:
        cell = f"_c{column.index}"
        has = Traits() if column.index in plain else traits
        if column.name in IDS:
            values.append((column.name, cell))
            drops += _id_drops(column.name, cell, has)
        elif column.name in TIMES:
            inner.append((f"_b{column.index}", f"TRY_CAST({cell} AS BIGINT)"))
            numbers.append((f"_n{column.index}", _epoch(cell, f"_b{column.index}")))
            required = column.name == "TIMESTAMP"
            drops += _time_drops(column.name, f"_n{column.index}", now) if required else []
            fixes += _time_fixes(column, required)
            values.append((column.name, _seconds(f"_n{column.index}", None if required else now)))
        elif column.name in NUMBERS:
            inner.append((f"_n{column.index}", f"TRY_CAST({cell} AS DOUBLE)"))
            values.append(
                (column.name, f"CASE WHEN isfinite(_n{column.index}) THEN _n{column.index} END")
            )
            fixes.append(
                _fix(
                    "number",
                    column.name,
                    f"{cell} IS NOT NULL AND NOT coalesce(isfinite(_n{column.index}), false)",
                )
            )
            fixes.append(
                _fix(
                    "plain",
                    column.name,
                    f"{_padded(cell)} OR {cell} < '-' OR contains({cell}, '_')",
                )
            )
        else:
            values.append((column.name, _text(cell, has)))
            fixes += _text_fixes(column.name, cell, has)
    if events and (event := next((c for c in columns if c.name == "EVENT_TYPE"), None)):
        wanted = ", ".join(literal(e) for e in events)
        condition = f"_c{event.index} IS NULL OR _c{event.index} NOT IN ({wanted})"
        drops.append(
            Drop("event-type", f"have an EVENT_TYPE other than {', '.join(events)}", condition)
        )
    return RowRules(tuple(inner), tuple(numbers), tuple(values), tuple(drops), tuple(fixes))


def write_select(
    rules: RowRules, source: str, keys: Sequence[str], carry: Sequence[str] = ()
) -> str:
    """One pass over `source`.

    Columns: `_why` (0 keeps the row, else 1 + the index of the drop), `_fix0`, `_fix1`, ... (a bit
    per fix, FIXES_PER_COLUMN each), `_hashed` (of the clean columns `keys`), the columns `carry` of
    the source, and the clean columns, which never begin with an underscore.
    """
    inner = ", ".join(["*", *(f"{expression} AS {alias}" for alias, expression in rules.inner)])
    numbers = ", ".join(["*", *(f"{expression} AS {alias}" for alias, expression in rules.numbers)])
    whens = " ".join(
        f"WHEN {drop.condition} THEN {index}" for index, drop in enumerate(rules.drops, 1)
    )
    why = f"CAST(CASE {whens} ELSE 0 END AS UTINYINT)" if whens else "CAST(0 AS UTINYINT)"
    groups = range(0, len(rules.fixes), FIXES_PER_COLUMN)
    fixes = [
        f"{_bits(rules.fixes[first : first + FIXES_PER_COLUMN])} AS _fix{index}"
        for index, first in enumerate(groups)
    ]
    values = ", ".join(
        [
            f"{why} AS _why",
            *fixes,
            *carry,
            *(f"{expression} AS {name(alias)}" for alias, expression in rules.values),
        ]
    )
    hashed = f"hash({', '.join(map(name, keys))}) AS _hashed"
    return f"SELECT *, {hashed} FROM (SELECT {values} FROM (SELECT {numbers} FROM (SELECT {inner} FROM {source})))"


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


def _id_drops(column: str, cell: str, traits: Traits) -> list[Drop]:
    code = column.lower().replace("_", "-")
    blank = f"{cell} IS NULL OR ({cell} < '!' AND trim({cell}, {_BLANKS}) = '')"
    if traits.non_ascii:
        blank += f" OR regexp_full_match({cell}, '[\\s\\p{{Z}}]+')"
    drops = [
        Drop(f"no-{code}", f"have no {column}", blank),
        # strlen is bytes and free; length counts characters.
        Drop(
            f"long-{code}",
            f"have more than {MAX_ID} characters in {column}",
            f"strlen({cell}) > {MAX_ID} AND length({cell}) > {MAX_ID}",
        ),
    ]
    bad = []
    if traits.quotes:
        bad += [f"contains({cell}, '\"')"]
    if traits.pipes:
        bad += [f"contains({cell}, '|')"]
    if _may_have_controls(traits):
        bad += [f"regexp_matches({cell}, '{_CONTROL}')"]
    if bad:
        drops.append(
            Drop(
                f"bad-{code}",
                f"have a quote, '|' or control character in {column}",
                " OR ".join(bad),
            )
        )
    return drops


def _may_have_controls(traits: Traits) -> bool:
    return traits.quotes or traits.controls or traits.tabs or traits.non_ascii


def _epoch(cell: str, whole: str) -> str:
    """A whole number in the unit it was written in, or a written date in seconds."""
    number = f"TRY_CAST({cell} AS DOUBLE)"
    return (
        f"CASE WHEN {whole} IS NOT NULL THEN {whole} ELSE coalesce("
        f"CASE WHEN abs({number}) < 9e18 THEN CAST(trunc({number}) AS BIGINT) END, "
        f"CAST(floor(epoch(TRY_CAST({cell} AS TIMESTAMPTZ))) AS BIGINT)) END"
    )


def _seconds(number: str, optional_until: float | None) -> str:
    scaled = (
        f"CASE WHEN {number} < 100000000000 THEN {number} WHEN {number} < 100000000000000 THEN {number} // 1000 "
        f"WHEN {number} < 100000000000000000 THEN {number} // 1000000 ELSE {number} // 1000000000 END"
    )
    return scaled if optional_until is None else f"CASE WHEN {number} > 0 THEN {scaled} END"


def _time_drops(column: str, number: str, now: float) -> list[Drop]:
    last = int(now) + FUTURE_SECONDS
    return [
        Drop("no-timestamp", f"have no {column} that can be read", f"{number} IS NULL"),
        Drop("early-timestamp", f"have a {column} of zero or less", f"{number} <= 0"),
        Drop(
            "future-timestamp",
            f"have a {column} in the future",
            f"{_seconds(number, None)} > {last}",
        ),
    ]


def _time_fixes(column: Column, required: bool) -> list[Fix]:
    cell, whole, number = f"_c{column.index}", f"_b{column.index}", f"_n{column.index}"
    fixes = [
        _fix("ms", "", f"{number} BETWEEN 100000000000 AND 99999999999999"),
        _fix("us", "", f"{number} BETWEEN 100000000000000 AND 99999999999999999"),
        _fix("ns", "", f"{number} >= 100000000000000000"),
        _fix(
            "date",
            "",
            f"{whole} IS NULL AND {number} IS NOT NULL AND TRY_CAST({cell} AS DOUBLE) IS NULL",
        ),
    ]
    same = f"{number} IS NULL OR {cell} = CAST({number} AS VARCHAR)"
    fixes.append(
        _fix("plain", column.name, f"NOT ({same}) AND TRY_CAST({cell} AS DOUBLE) IS NOT NULL")
    )
    if not required:
        fixes.append(
            _fix("time", column.name, f"{cell} IS NOT NULL AND NOT coalesce({number} > 0, false)")
        )
    return fixes


def _text(cell: str, traits: Traits) -> str:
    value = f"CASE WHEN strlen({cell}) > {MAX_TEXT} THEN left({cell}, {MAX_TEXT}) ELSE {cell} END"
    if traits.brackets:
        # Snowflake and JSON write a list as ["a","b"]; Personalize reads a|b.
        listed = f"starts_with({cell}, '[') AND json_valid({cell})"
        value = f"CASE WHEN {listed} THEN array_to_string(json_extract_string({cell}, '$[*]'), '|') ELSE {value} END"
    if _may_have_controls(traits):
        value = f"regexp_replace({value}, '{_CONTROL}+', ' ', 'g')"
    return f"nullif(trim({value}), '')" if traits.blanks or _may_have_controls(traits) else value


def _text_fixes(column: str, cell: str, traits: Traits) -> list[Fix]:
    fixes = [_fix("cut", column, f"strlen({cell}) > {MAX_TEXT} AND length({cell}) > {MAX_TEXT}")]
    if _may_have_controls(traits):
        fixes.append(_fix("flat", column, f"regexp_matches({cell}, '{_CONTROL}')"))
    if traits.blanks:
        fixes.append(_fix("blank", column, _padded(cell)))
    if traits.brackets:
        fixes.append(_fix("list", column, f"starts_with({cell}, '[') AND json_valid({cell})"))
    return fixes


def _padded(cell: str) -> str:
    return f"starts_with({cell}, ' ') OR suffix({cell}, ' ')"


def _fix(code: str, column: str, condition: str) -> Fix:
    return Fix(code, _FIX_SENTENCES[code].format(name=column), condition)
