"""How the times of a file are written: decided on the whole file, then read by SQL.

Numbers tell their unit by their size, dates with a year in front or a name for the month tell
themselves. Three ways to write a time tell nothing row by row, and are looked for in the first rows:

    14/11/2023      month or day first? all dates together say it, when one has a number above 12
    20231114        a date without marks, if all numbers are dates since EARLIEST
    45244.926       Excel's days since 1899-12-30, if all numbers are such days and some have fractions

What stays open is not guessed: its rows are dropped, and `hint` says what the config could tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from chalicelib.normalise.engine import fetch_row, literal
from chalicelib.normalise.rows.columns import Column
from chalicelib.vocabulary.datasets import TIMES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# 1991: no event of the web is older. As seconds, dates without marks and Excel's days lie far
# before it; so do the ticks of .NET and Windows, read as nanoseconds.
EARLIEST = 662_688_000
# Things may be older than the web. A number of fewer than nine digits is a year, a date or a day.
EARLIEST_OF_THINGS = 10**8
# A whole number tells its unit by its size: seconds have ten digits from 2001 to 2286, and each
# unit has three more.
MS, US, NS = 10**11, 10**14, 10**17
UNITS: Mapping[str, int] = {
    "seconds": 1,
    "milliseconds": 10**3,
    "microseconds": 10**6,
    "nanoseconds": 10**9,
}
MONTH_FIRST, DAY_FIRST, EXCEL = "month-first", "day-first", "excel"

# By the code of a drop: what helps where nothing about the file is known.
HINTS: Mapping[str, str] = {
    "no-timestamp": "Say how they are written in recdrop.toml, for example [source] "
    'timestamp_format = "%d.%m.%Y %H:%M".',
    "early-timestamp": "If the times are right, say what they count in recdrop.toml: [source] "
    'timestamp_format = "seconds", or "milliseconds", "excel" and so on.',
    "future-timestamp": "If they count something else than seconds, say so in recdrop.toml: "
    '[source] timestamp_format = "milliseconds", "%Y%m%d" and so on.',
}
_LOOKED_AT = 2000  # rows
_MOST = 0.95  # of the values have to be of a kind
_DAY = 86_400
_EXCEL_EPOCH = 25_569  # 1970-01-01 in Excel's days
_NUMERIC_DATE = r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:\D|$)"
_BARE_DATE = r"\d{8}|\d{12}|\d{14}"
_BARE_FORMATS = ("%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
# A month by its name leaves no question of order.
_NAMED = (
    "%a, %d %b %Y %H:%M:%S %z",  # RFC 5322 and HTTP
    "%a, %d %b %Y %H:%M:%S %Z",
    "%d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",  # C and Java
    "%a %b %d %H:%M:%S %Z %Y",
    "%d/%b/%Y:%H:%M:%S %z",  # Apache
    "%d-%b-%y %I.%M.%S.%f %p",  # Oracle
    "%d-%b-%Y",
    "%d-%b-%Y %H:%M:%S",
    "%d %b %Y",
    "%d %b %Y %H:%M:%S",
    "%b %d, %Y",
    "%b %d, %Y %I:%M:%S %p",
    "%B %d, %Y",
    "%d %B %Y",
)


@dataclass(frozen=True)
class TimeFormat:
    """How one column writes its times.

    `formats` are strptime's, tried first. `unit` is what numbers count: a key of UNITS, EXCEL, or
    None where their size tells. `is_told` says that the config chose, so that no time is too early.
    `note` is what was found out, `hint` what the config could say.
    """

    formats: tuple[str, ...] = ()
    unit: str | None = None
    is_told: bool = False
    note: str = ""
    hint: str = ""

    @property
    def is_bare(self) -> bool:
        """Whether numbers are dates: none of them is one of seconds."""
        return self.unit == EXCEL or set(_BARE_FORMATS) <= set(self.formats)

    def epoch(self, cell: str, whole: str) -> str:
        """SQL for a whole number in its unit, or a written date in seconds.

        `cell` is text, `whole` the cell as BIGINT.
        """
        number = f"TRY_CAST({cell} AS DOUBLE)"
        from_date = _epoch_of(_date(cell))
        if self.unit == EXCEL:
            return f"coalesce({_from_excel(number)}, {from_date})"
        # Beyond that a BIGINT overflows.
        from_number = f"CASE WHEN abs({number}) < 9e18 THEN CAST(trunc({number}) AS BIGINT) END"
        # Most cells are whole numbers: the dear casts run for the others only.
        plain = (
            f"CASE WHEN {whole} IS NOT NULL THEN {whole} "
            f"ELSE coalesce({from_number}, {from_date}) END"
        )
        if not self.formats:
            return plain
        return f"coalesce({_epoch_of(_parsed(cell, self.formats))}, {plain})"

    def seconds(self, number: str) -> str:
        """SQL for `epoch`'s number as seconds."""
        if self.unit is not None and self.unit in UNITS:
            factor = UNITS[self.unit]
            return number if factor == 1 else f"{number} // {factor}"
        return (
            f"CASE WHEN {number} < {MS} THEN {number} WHEN {number} < {US} THEN {number} // 1000 "
            f"WHEN {number} < {NS} THEN {number} // 1000000 ELSE {number} // 1000000000 END"
        )


PLAIN = TimeFormat()


def told(timestamp_format: str) -> TimeFormat:
    """What the config's `timestamp_format` says: a unit, an order, or strptime's directives."""
    if timestamp_format == "auto":
        return PLAIN
    if timestamp_format in (MONTH_FIRST, DAY_FIRST):
        return TimeFormat(_ordered(timestamp_format), is_told=True)
    if timestamp_format == EXCEL or timestamp_format in UNITS:
        return TimeFormat(unit=timestamp_format, is_told=True)
    return TimeFormat((timestamp_format,), is_told=True)


def find_formats(
    connection: DuckDBPyConnection,
    table: str,
    columns: Sequence[Column],
    timestamp_format: str,
    now: float,
) -> dict[str, TimeFormat]:
    """The format of each column of times, by name; `now` is epoch seconds.

    `table` is the SQL of the file's rows, whose cells are the texts _c0, _c1, ...

    The whole file is read only when its first rows leave a question open.
    """
    if timestamp_format != "auto":
        return {c.name: told(timestamp_format) for c in columns if c.name in TIMES}
    found = {}
    for column in columns:
        if column.name in TIMES:
            found[column.name] = _find(connection, table, column, now)
    return found


def _find(connection: DuckDBPyConnection, table: str, column: Column, now: float) -> TimeFormat:
    cell = f"_c{column.index}"
    rows = connection.execute(f"SELECT {cell} FROM {table} LIMIT {_LOOKED_AT}").fetchall()
    values = [str(value).strip() for (value,) in rows if value is not None]
    if any(re.match(_NUMERIC_DATE, value) for value in values):
        return _find_order(connection, table, cell, column.name)
    if any(re.fullmatch(_BARE_DATE, value) for value in values):
        return _find_bare(connection, table, cell, column.name, now)
    if any(_is_day(value, now) for value in values):
        return _find_days(connection, table, cell, column.name, now)
    return PLAIN


# -- the whole file --------------------------------------------------------------------------------


def _find_order(connection: DuckDBPyConnection, table: str, cell: str, column: str) -> TimeFormat:
    """Month or day first, by the largest number in each place."""
    one, two = (f"regexp_extract({cell}, '{_NUMERIC_DATE}', {place})" for place in (1, 2))
    first, second, dots, dates = fetch_row(
        connection,
        f"SELECT max(TRY_CAST({one} AS INTEGER)), max(TRY_CAST({two} AS INTEGER)), "
        f"count(*) FILTER (contains({cell}, '.') AND NOT contains({cell}, '/')), count(*) "
        f"FROM {table} WHERE regexp_matches({cell}, '{_NUMERIC_DATE}')",
    )
    # Nobody writes month.day.year.
    day_is_first = first > 12 or (second <= 12 and dots == dates)
    if day_is_first and second <= 12:
        return TimeFormat(
            _ordered(DAY_FIRST),
            note=f"{column} was read as day, month, year: the first goes up to {first}",
        )
    if second > 12 and first <= 12:
        return TimeFormat(
            _ordered(MONTH_FIRST),
            note=f"{column} was read as month, day, year: the second goes up to {second}",
        )
    what = "both go above 12" if first > 12 else "no number above 12 says which"
    return TimeFormat(
        hint=f"Is the day or the month first in {column}? {what[0].upper()}{what[1:]}. "
        f'Say it in recdrop.toml: [source] timestamp_format = "{DAY_FIRST}" or "{MONTH_FIRST}".'
    )


def _find_bare(
    connection: DuckDBPyConnection, table: str, cell: str, column: str, now: float
) -> TimeFormat:
    seconds = _epoch_of(_parsed(cell, _BARE_FORMATS))
    bare, filled = fetch_row(
        connection,
        f"SELECT count(*) FILTER (regexp_full_match(trim({cell}), '{_BARE_DATE}') "
        f"AND {seconds} BETWEEN {EARLIEST} AND {int(now) + 366 * _DAY}), count({cell}) "
        f"FROM {table}",
    )
    if bare < _MOST * filled:
        return PLAIN
    return TimeFormat(_BARE_FORMATS, note=f"{column} was read as dates without marks (20231114)")


def _find_days(
    connection: DuckDBPyConnection, table: str, cell: str, column: str, now: float
) -> TimeFormat:
    number = f"TRY_CAST({cell} AS DOUBLE)"
    first, last = _excel_days(now)
    days, fractions, filled = fetch_row(
        connection,
        f"SELECT count(*) FILTER ({number} BETWEEN {first} AND {last}), "
        f"count(*) FILTER ({number} <> trunc({number})), count({cell}) FROM {table}",
    )
    if days < _MOST * filled:
        return PLAIN
    if fractions:
        return TimeFormat(unit=EXCEL, note=f"{column} was read as Excel's days (45244.5)")
    return TimeFormat(
        hint=f"The numbers in {column} may be Excel's days (45244 is 2023-11-14). If they are: "
        f'[source] timestamp_format = "{EXCEL}" in recdrop.toml.'
    )


def _is_day(value: str, now: float) -> bool:
    first, last = _excel_days(now)
    return bool(re.fullmatch(r"\d{5}(\.\d+)?", value)) and first <= float(value) <= last


def _excel_days(now: float) -> tuple[int, int]:
    return EARLIEST // _DAY + _EXCEL_EPOCH, int(now) // _DAY + _EXCEL_EPOCH + 2


# -- SQL -------------------------------------------------------------------------------------------


def _ordered(order: str) -> tuple[str, ...]:
    """All ways to write a date in that order, with and without a time of day and a zone."""
    days = "%m{0}%d{0}" if order == MONTH_FIRST else "%d{0}%m{0}"
    dates = [f"{days.format(mark)}{year}" for mark, year in product("/.-", ("%Y", "%y"))]
    clocks = ["", *(f"{blank}{clock}" for blank, clock in product((" ", ", "), _CLOCKS))]
    zoned = [" %H:%M:%S %z", " %H:%M:%S.%f %z", " %H:%M:%S %Z"]
    return tuple(f"{date}{clock}" for date, clock in product(dates, (*clocks, *zoned)))


def _parsed(cell: str, formats: Sequence[str]) -> str:
    listed = ", ".join(map(literal, formats))
    # A time without a zone is of the connection's.
    return f"CAST(try_strptime(trim({cell}), [{listed}]) AS TIMESTAMPTZ)"


def _date(cell: str) -> str:
    """A date that tells itself."""
    # Snowflake writes ` -0800` and Java `Z[UTC]`: the cast takes zones only without the extras.
    zone = rf"regexp_replace({cell}, '\s*(Z|[-+]\d\d(?::?\d\d)?)(?:\[[^\]]*\])?\s*$', '\1')"
    # 20231114T221320Z, which the cast takes only with its marks.
    marks = rf"regexp_replace({cell}, '^(\d{{8}})T(\d\d)(\d\d)(\d\d)', '\1 \2:\3:\4')"
    marks = rf"regexp_replace({marks}, '^(\d{{4}})(\d\d)(\d\d) ', '\1-\2-\3 ')"
    casts = [f"TRY_CAST({text} AS TIMESTAMPTZ)" for text in (cell, zone, marks)]
    return f"coalesce({', '.join(casts)}, {_parsed(cell, _NAMED)})"


def _from_excel(number: str) -> str:
    """Days of the wall clock, as all times without a zone are."""
    micros = f"CAST(round(({number} - {_EXCEL_EPOCH}) * {_DAY}) AS BIGINT) * 1000000"
    time = _epoch_of(f"CAST(make_timestamp({micros}) AS TIMESTAMPTZ)")
    return f"CASE WHEN abs({number}) < 1e7 THEN {time} END"


def _epoch_of(time: str) -> str:
    return f"CAST(floor(epoch({time})) AS BIGINT)"
