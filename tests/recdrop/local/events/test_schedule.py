"""Schedule expressions: the times they fire at, and the words they are refused with."""

from __future__ import annotations

import datetime as dt

import pytest

from recdrop.local.events.schedule import ScheduleError, parse


def at(text: str) -> dt.datetime:
    """A time in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(1 minute)", "2026-11-21T22:12:30", "2026-11-21T22:13:30"),
        ("rate(2 hours)", "2026-11-21T22:12:30", "2026-11-22T00:12:30"),
        ("rate(7 days)", "2026-11-21T22:12:30", "2026-11-28T22:12:30"),
        ("cron(0 10 * * ? *)", "2026-11-21T10:00:00", "2026-11-22T10:00:00"),
        ("cron(15 12 ? * MON-FRI *)", "2026-11-21T22:12:30", "2026-11-23T12:15:00"),
        ("cron(0/10 * ? * SUN,WED *)", "2026-11-22T23:50:00", "2026-11-25T00:00:00"),
        ("cron(0 8 1 JAN ? 2028)", "2026-11-21T22:12:30", "2028-01-01T08:00:00"),
        ("cron(0 0 29 2 ? *)", "2026-11-21T22:12:30", "2028-02-29T00:00:00"),
        ("cron(*/15 9-10 ? * 2 *)", "2026-11-23T09:20:00", "2026-11-23T09:30:00"),
    ],
)
def test_the_next_time(expression: str, after: str, expected: str) -> None:
    assert parse(expression).after(at(after)) == at(expected)


def test_a_schedule_that_is_over_never_fires() -> None:
    assert parse("cron(0 0 1 1 ? 2020)").after(at("2026-11-21T22:12:30")).year == 9999


@pytest.mark.parametrize(
    ("expression", "expectation"),
    [
        ("every day", "Expected rate"),
        ("rate(1 minutes)", "Expected 'rate\\(1 minute\\)'"),
        ("rate(0 minutes)", "Expected 'rate\\(1 minute\\)'"),
        ("cron(0 10 * * *)", "5 fields. Expected 6"),
        ("cron(0 10 * * * *)", "Expected '\\?' in either"),
        ("cron(60 10 * * ? *)", "'60' as minute. Expected values of 0 to 59"),
        ("cron(0 10 ? * MOO *)", "'MOO' as day of week"),
        ("cron(0 10 L * ? *)", "'L' as day of month"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_expectation(
    expression: str, expectation: str
) -> None:
    with pytest.raises(ScheduleError, match=expectation):
        parse(expression)
