"""Schedules that fire."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from recdrop.local.events.ticker import Ticker
from recdrop.local.shims.delivery import send_to_each_target
from recdrop.local.stack import Stack
from tests.recdrop.conftest import eventually

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@dataclass
class Rule:
    """The part of moto's rule that a ticker reads."""

    name: str
    scheduled_expression: str
    state: str = "ENABLED"
    targets: list[Any] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:events:us-east-1:123456789012:rule/{self.name}"


def test_a_schedule_fires_at_its_times_and_not_when_it_is_first_seen() -> None:
    now = [NOON]
    rule = Rule("each-minute", "rate(1 minute)")
    fired: list[str] = []
    ticker = Ticker(lambda: [rule], lambda r, event: fired.append(event["time"]), lambda: now[0])
    for second in range(0, 181, 30):
        now[0] = NOON + dt.timedelta(seconds=second)
        ticker.tick()
    assert fired == ["2026-11-21T12:01:00Z", "2026-11-21T12:02:00Z", "2026-11-21T12:03:00Z"]


def test_disabled_and_unreadable_schedules_never_fire() -> None:
    now = [NOON]
    rules = [
        Rule("off", "rate(1 minute)", "DISABLED"),
        Rule("bad", "rate(1 fortnight)"),
        Rule("no-schedule", ""),
    ]
    fired: list[str] = []
    ticker = Ticker(lambda: rules, lambda r, event: fired.append(r.name), lambda: now[0])
    for hour in range(3):
        now[0] = NOON + dt.timedelta(hours=hour)
        ticker.tick()
    assert fired == []


def test_the_applications_schedule_reaches_its_lambda(stack: Stack) -> None:
    seen: list[Any] = []
    name = stack.resources["Tick"]
    before = stack.lambdas._handlers[name]
    stack.lambdas._handlers[name] = lambda event, _context: seen.append(event)
    now = [NOON]
    ticker = Ticker(stack._rules, send_to_each_target, lambda: now[0])
    ticker.tick()
    now[0] += dt.timedelta(minutes=1)
    ticker.tick()
    eventually(lambda: seen)
    stack.lambdas._handlers[name] = before
    assert seen[0]["detail-type"] == "Scheduled Event"
    assert seen[0]["resources"][0].endswith(stack.resources["TickTickEvent"])
