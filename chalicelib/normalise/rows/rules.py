"""The row rules as SQL: each column's clean value, why a row is dropped, what was repaired.

A rule that cannot apply (no quote in the whole file, say) is not written at all; that is where the
speed comes from. `selecting` makes a query of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.normalise.bytes.traits import Traits
from chalicelib.normalise.engine import literal
from chalicelib.normalise.rows.columns import Column
from chalicelib.normalise.rows.times import (
    EARLIEST,
    EARLIEST_OF_THINGS,
    MS,
    NS,
    PLAIN,
    US,
    TimeFormat,
)
from chalicelib.vocabulary.datasets import IDS, TIMES
from chalicelib.vocabulary.limits import EAST_ASIAN, MAX_ID, MAX_TEXT, MAX_TEXT_EAST_ASIAN

NUMBERS = ("EVENT_VALUE",)
# What programs write for an id that is not there: pandas, Python, JavaScript, Java, SQL.
NULL_IDS = (
    "None",
    "none",
    "NONE",
    "nan",
    "NaN",
    "NAN",
    "<NA>",
    "undefined",
    "null",
    "NULL",
    "Null",
    "(null)",
    "<null>",
    r"\N",
)
FUTURE_SECONDS = 2 * 86_400  # clocks and zones differ; nothing else lies in the future
# Rows left out because the config or the source says so; they are no fault of the file.
NOT_BAD = ("event-type", "no-item-event")
_BLANKS = "' ' || chr(9) || chr(10) || chr(13)"

# C0, DEL, C1, the Unicode line ends, and the byte order mark in the middle of a text.
_CONTROL = r"[\x00-\x1f\x7f\x{80}-\x{9f}\x{2028}\x{2029}\x{feff}]"
_UNIT_CODES = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}
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
    "whole": "values of {name} written as 17850.0 read as whole numbers",
    "blank": "blanks around {name} removed",
    "cut": f"texts in {{name}} cut to {MAX_TEXT:,} characters "
    f"({MAX_TEXT_EAST_ASIAN:,} where they are Chinese or Japanese)",
}


@dataclass(frozen=True)
class Drop:
    """Rows for which `condition` holds are dropped; `code` and `sentence` go into the report."""

    code: str
    sentence: str
    condition: str


@dataclass(frozen=True)
class Fix:
    """Rows in which something was repaired, namely where `condition` holds."""

    code: str
    sentence: str
    condition: str


@dataclass(frozen=True)
class RowRules:
    """SQL expressions by name: `values` are the clean columns.

    `inner` and, made from those, `numbers` are helper columns that are computed once per row.
    """

    inner: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    drops: tuple[Drop, ...]
    fixes: tuple[Fix, ...]


@dataclass(frozen=True)
class _ColumnRules:
    """The rules of one column: its clean value, and the parts of RowRules it adds to."""

    value: str
    inner: tuple[tuple[str, str], ...] = ()
    numbers: tuple[tuple[str, str], ...] = ()
    drops: tuple[Drop, ...] = ()
    fixes: tuple[Fix, ...] = ()


def write_rules(
    columns: Sequence[Column],
    traits: Traits,
    now: float,
    *,
    plain: Collection[int] = (),
    events: Sequence[str] = (),
    before: Sequence[Drop] = (),
    null_ids: Collection[str] = NULL_IDS,
    numbers: Collection[str] = NUMBERS,
    whole_ids: bool = False,
    times: Mapping[str, TimeFormat] | None = None,
) -> RowRules:
    """The rules for the columns of one file. Raw cells are the SQL columns _c0, _c1, ...

    `now` is epoch seconds. `plain` are the indices of columns whose type cannot hold quotes or
    control characters (numbers in Parquet). `events` are the event types to keep (none: all).
    `before` are drops that come first: a row counts under the first drop that takes it. `null_ids`
    are no ids, `numbers` columns that hold nothing but numbers; `whole_ids` makes 17850 of the id
    17850.0. `times` are the formats of times by
    column; what is not in it tells itself.
    """
    formats = times or {}
    rules = [
        _time_rules(c, formats.get(c.name, PLAIN), now)
        if c.name in TIMES
        else _number_rules(c)
        if c.name in numbers
        else _id_rules(c, Traits() if c.index in plain else traits, null_ids, whole_ids)
        if c.name in IDS
        else _text_rules(c, Traits() if c.index in plain else traits)
        for c in columns
    ]
    drops = [*before, *(drop for rule in rules for drop in rule.drops)]
    drops += _event_drops(columns, events)
    return RowRules(
        inner=tuple(helper for rule in rules for helper in rule.inner),
        numbers=tuple(helper for rule in rules for helper in rule.numbers),
        values=tuple((c.name, rule.value) for c, rule in zip(columns, rules, strict=True)),
        drops=tuple(drops),
        fixes=tuple(fix for rule in rules for fix in rule.fixes),
    )


def no_item_event(columns: Sequence[Column], ids: Collection[str]) -> Drop:
    """Leaves out rows without one of `ids`: of a log of all kinds of calls, most are such."""
    missing = [f"_c{column.index} IS NULL" for column in columns if column.name in ids]
    return Drop("no-item-event", "are no event of a user with an item", " OR ".join(missing))


def _id_rules(
    column: Column, traits: Traits, null_ids: Collection[str], whole: bool
) -> _ColumnRules:
    cell = f"_c{column.index}"
    drops = tuple(_id_drops(column.name, cell, traits, null_ids))
    if not whole:
        return _ColumnRules(cell, drops=drops)
    value = rf"regexp_replace({cell}, '^(-?\d+)\.0+$', '\1')"
    return _ColumnRules(
        value, drops=drops, fixes=(_fix("whole", column.name, f"{cell} <> {value}"),)
    )


def _text_rules(column: Column, traits: Traits) -> _ColumnRules:
    cell = f"_c{column.index}"
    fixes = _text_fixes(column.name, cell, traits)
    return _ColumnRules(_text(cell, traits), fixes=tuple(fixes))


def _time_rules(column: Column, form: TimeFormat, now: float) -> _ColumnRules:
    """A row needs its TIMESTAMP; other times that cannot be read become empty."""
    cell, whole, number = f"_c{column.index}", f"_b{column.index}", f"_n{column.index}"
    required = column.name == "TIMESTAMP"
    seconds = form.seconds(number)
    is_time = f"{number} > 0"
    if not form.is_told and not form.is_bare:
        is_time += f" AND coalesce({whole} >= {EARLIEST_OF_THINGS}, true)"
    return _ColumnRules(
        value=seconds if required else f"CASE WHEN {is_time} THEN {seconds} END",
        inner=((whole, f"TRY_CAST({cell} AS BIGINT)"),),
        numbers=((number, form.epoch(cell, whole)),),
        drops=tuple(_time_drops(column.name, number, form, now)) if required else (),
        fixes=tuple(_time_fixes(column, form, None if required else is_time)),
    )


def _number_rules(column: Column) -> _ColumnRules:
    cell, number = f"_c{column.index}", f"_n{column.index}"
    is_none = f"{cell} IS NOT NULL AND NOT coalesce(isfinite({number}), false)"
    # DuckDB also reads " 4", "+4" and "1_0", which Personalize does not.
    is_odd = f"{_padded(cell)} OR {cell} < '-' OR contains({cell}, '_')"
    return _ColumnRules(
        value=f"CASE WHEN isfinite({number}) THEN {number} END",
        inner=((number, f"TRY_CAST({cell} AS DOUBLE)"),),
        drops=(_too_large(column.name, number),),
        fixes=(_fix("number", column.name, is_none), _fix("plain", column.name, is_odd)),
    )


def _too_large(column: str, number: str) -> Drop:
    """Personalize has floats of 32 bits there, for which 1e39 is no number."""
    fits = f"coalesce(isfinite(TRY_CAST({number} AS FLOAT)), false)"
    code = f"large-{column.lower().replace('_', '-')}"
    told = f"have a {column} beyond 3.4e38, too large for a float"
    return Drop(code, told, f"isfinite({number}) AND NOT {fits}")


def _event_drops(columns: Sequence[Column], events: Sequence[str]) -> list[Drop]:
    event = next((column for column in columns if column.name == "EVENT_TYPE"), None)
    if not events or event is None:
        return []
    cell, wanted = f"_c{event.index}", ", ".join(literal(e) for e in events)
    return [
        Drop(
            "event-type",
            f"have an EVENT_TYPE other than {', '.join(events)}",
            f"{cell} IS NULL OR {cell} NOT IN ({wanted})",
        )
    ]


def _id_drops(column: str, cell: str, traits: Traits, null_ids: Collection[str]) -> list[Drop]:
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
    if null_ids:
        words = ", ".join(map(literal, null_ids))
        told = f"have a word for no value in {column}, such as None, nan or undefined"
        drops.insert(1, Drop(f"null-{code}", told, f"{cell} IN ({words})"))
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
    """Quotes may hold line breaks; some control characters are not ASCII."""
    return traits.quotes or traits.controls or traits.tabs or traits.non_ascii


def _time_drops(column: str, number: str, form: TimeFormat, now: float) -> list[Drop]:
    seconds, last = form.seconds(number), int(now) + FUTURE_SECONDS
    early = Drop("early-timestamp", f"have a {column} before 1991", f"{seconds} < {EARLIEST}")
    if form.is_told:
        early = Drop("early-timestamp", f"have a {column} of zero or less", f"{number} <= 0")
    return [
        Drop("no-timestamp", f"have no {column} that can be read", f"{number} IS NULL"),
        early,
        Drop("future-timestamp", f"have a {column} in the future", f"{seconds} > {last}"),
    ]


def _time_fixes(column: Column, form: TimeFormat, is_time: str | None) -> list[Fix]:
    """`is_time` is the SQL for a value that is kept; None where the row is dropped otherwise."""
    cell, whole, number = f"_c{column.index}", f"_b{column.index}", f"_n{column.index}"
    if form.is_bare:
        fixes = [_fix("date", "", f"{number} IS NOT NULL")]
    else:
        fixes = _unit_fixes(form, number)
        as_number = f"TRY_CAST({cell} AS DOUBLE)"
        is_date = f"{whole} IS NULL AND {number} IS NOT NULL AND {as_number} IS NULL"
        is_same = f"{number} IS NULL OR {cell} = CAST({number} AS VARCHAR)"
        fixes += [
            _fix("date", "", is_date),
            _fix("plain", column.name, f"NOT ({is_same}) AND {as_number} IS NOT NULL"),
        ]
    if is_time is not None:
        is_none = f"{cell} IS NOT NULL AND NOT coalesce({is_time}, false)"
        fixes.append(_fix("time", column.name, is_none))
    return fixes


def _unit_fixes(form: TimeFormat, number: str) -> list[Fix]:
    if form.unit is not None:
        code = _UNIT_CODES.get(form.unit)
        return [_fix(code, "", f"{number} IS NOT NULL")] if code else []
    return [
        _fix("ms", "", f"{number} BETWEEN {MS} AND {US - 1}"),
        _fix("us", "", f"{number} BETWEEN {US} AND {NS - 1}"),
        _fix("ns", "", f"{number} >= {NS}"),
    ]


def _text(cell: str, traits: Traits) -> str:
    value = cell
    if traits.brackets:
        # Snowflake and JSON write a list as ["a","b"]; Personalize reads a|b.
        listed = f"starts_with({cell}, '[') AND json_valid({cell})"
        joined = f"array_to_string(json_extract_string({cell}, '$[*]'), '|')"
        value = f"CASE WHEN {listed} THEN {joined} ELSE {value} END"
    if _may_have_controls(traits):
        value = f"regexp_replace({value}, '{_CONTROL}+', ' ', 'g')"
    if traits.blanks or traits.brackets or _may_have_controls(traits):
        value = f"nullif(trim({value}), '')"
    most = str(MAX_TEXT)
    if traits.non_ascii:
        is_east_asian = f"regexp_matches({cell}, '{EAST_ASIAN}')"
        most = f"CASE WHEN {is_east_asian} THEN {MAX_TEXT_EAST_ASIAN} ELSE {MAX_TEXT} END"
    # Nothing above makes a text longer.
    is_long = f"strlen({cell}) > {MAX_TEXT_EAST_ASIAN}"
    return f"CASE WHEN {is_long} THEN left({value}, {most}) ELSE {value} END"


def _text_fixes(column: str, cell: str, traits: Traits) -> list[Fix]:
    is_cut = f"strlen({cell}) > {MAX_TEXT} AND length({cell}) > {MAX_TEXT}"
    if traits.non_ascii:
        is_cut += (
            f" OR strlen({cell}) > {MAX_TEXT_EAST_ASIAN} AND length({cell}) > {MAX_TEXT_EAST_ASIAN}"
            f" AND regexp_matches({cell}, '{EAST_ASIAN}')"
        )
    fixes = [_fix("cut", column, is_cut)]
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
