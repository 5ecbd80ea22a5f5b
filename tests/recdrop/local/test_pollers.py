"""Queues that feed Lambdas, and schedules that fire."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from recdrop.local.lambdas import Answer
from recdrop.local.pollers import Ticker, failed_items
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


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": []}, set()),
        ({}, set()),
        (None, set()),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{}]}, {"a", "b"}),
    ],
)
def test_partial_batch_answers(result: Any, expected: set[str]) -> None:
    answer = Answer(json.dumps(result).encode(), failed=False, request_id="r")
    assert failed_items(answer, {"a", "b"}) == expected


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
    ticker = Ticker(stack._rules, stack._fire, lambda: now[0])
    ticker.tick()
    now[0] += dt.timedelta(minutes=1)
    ticker.tick()
    eventually(lambda: seen)
    stack.lambdas._handlers[name] = before
    assert seen[0]["detail-type"] == "Scheduled Event"
    assert seen[0]["resources"][0].endswith(stack.resources["TickTickEvent"])


def test_a_lambda_that_raises_gets_its_batch_again(stack: Stack) -> None:
    name = stack.resources["OnExport"]
    before = stack.lambdas._handlers[name]
    counts: list[str] = []

    def fail_once(event: Any, _context: Any) -> Any:
        counts.extend(
            record["attributes"]["ApproximateReceiveCount"] for record in event["Records"]
        )
        if len(counts) == 1:
            raise RuntimeError("once")
        return {"batchItemFailures": []}

    stack.lambdas._handlers[name] = fail_once
    stack.boto_client("sqs").send_message(QueueUrl=stack.resources["DropQueue"], MessageBody="{}")
    eventually(lambda: len(counts) >= 2)
    stack.lambdas._handlers[name] = before
    assert counts == ["1", "2"]
