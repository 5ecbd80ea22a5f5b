"""EventBridge schedule expressions, such as `rate(5 minutes)` and `cron(0 10 ? * MON-FRI *)`.

All times are UTC, and nothing here looks at a clock. `L`, `W` and `#` in the day fields of a cron
expression are not supported, and refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIELDS: tuple[tuple[str, int, int, Sequence[str]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of week", 1, 7, WEEKDAYS),
    ("year", 1970, 2199, ()),
)
LOOK_AHEAD = dt.timedelta(days=366 * 5)


class ScheduleError(ValueError):
    """The expression is not a schedule; the message names the expression and the expectation."""


@dataclass(frozen=True)
class Rate:
    """Every `seconds` seconds."""

    seconds: int

    def after(self, moment: dt.datetime) -> dt.datetime:
        """The next time to fire after one."""
        return moment + dt.timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Cron:
    """The minutes at which the sets of all six fields agree; `None` is any value."""

    minutes: frozenset[int] | None
    hours: frozenset[int] | None
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None
    years: frozenset[int] | None

    def fires_on(self, day: dt.date) -> bool:
        """Whether it fires at all on a day. Sunday is weekday 1."""
        return (
            (self.years is None or day.year in self.years)
            and (self.months is None or day.month in self.months)
            and (self.days is None or day.day in self.days)
            and (self.weekdays is None or day.isoweekday() % 7 + 1 in self.weekdays)
        )

    def after(self, moment: dt.datetime) -> dt.datetime:
        """The next time to fire after `moment`.

        The end of the calendar when there is none in five years.
        """
        day = moment.date()
        while day <= (moment + LOOK_AHEAD).date():
            if self.fires_on(day):
                for time in self.times():
                    if (found := dt.datetime.combine(day, time, dt.UTC)) > moment:
                        return found
            day += dt.timedelta(days=1)
        return dt.datetime.max.replace(tzinfo=dt.UTC)

    def times(self) -> list[dt.time]:
        """The times of day, in order."""
        hours = sorted(self.hours if self.hours is not None else range(24))
        minutes = sorted(self.minutes if self.minutes is not None else range(60))
        return [dt.time(hour, minute) for hour in hours for minute in minutes]


Schedule = Rate | Cron


def parse(expression: str) -> Schedule:
    """The schedule of an expression.

    Raises:
        ScheduleError: it is none.
    """
    if found := re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression.strip()):
        value = int(found[1])
        # AWS is strict about the plural: "1 minute", "2 minutes".
        if value < 1 or (value == 1) == bool(found[3]):
            raise ScheduleError(
                f"Schedule {expression!r}. Expected 'rate(1 minute)' or 'rate(2 minutes)'."
            )
        return Rate(value * UNIT_SECONDS[found[2]])
    if found := re.fullmatch(r"cron\((.*)\)", expression.strip()):
        return parse_cron(expression, found[1].split())
    raise ScheduleError(f"Schedule {expression!r}. Expected rate(...) or cron(...).")


def parse_cron(expression: str, fields: list[str]) -> Cron:
    """The six fields of a cron expression."""
    if len(fields) != len(FIELDS):
        raise ScheduleError(
            f"Schedule {expression!r} has {len(fields)} fields. Expected 6, the last is the year."
        )
    # A day is named by its month or by its week; the other field says "no matter" with a "?".
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ScheduleError(
            f"Schedule {expression!r}. Expected '?' in either day of month or day of week."
        )
    sets = [
        parse_field(expression, text, name, low, high, names)
        for text, (name, low, high, names) in zip(fields, FIELDS, strict=True)
    ]
    return Cron(*sets)


def parse_field(
    expression: str, text: str, name: str, low: int, high: int, names: Sequence[str]
) -> frozenset[int] | None:
    """The values of one field: lists of values, ranges and steps."""
    if text in {"*", "?"}:
        return None
    values: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        start, _, end = span.partition("-")
        try:
            first = low if start == "*" else number(start, names)
            # "5" is one value; "5/10" and "*/10" go on to the end of the field.
            rest = high if step or start == "*" else first
            last = number(end, names) if end else rest
            values.update(range(first, last + 1, int(step or 1)))
        except ValueError:
            first = last = -1
        if not low <= first <= last <= high:
            raise ScheduleError(
                f"Schedule {expression!r} has {part!r} as {name}. Expected values of {low} to {high}."
            )
    return frozenset(values)


def number(text: str, names: Sequence[str]) -> int:
    """A number or a name such as MON, counted from 1."""
    return names.index(text) + 1 if text in names else int(text)
