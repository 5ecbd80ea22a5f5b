"""The pace against a campaign with a rate limit, in simulated time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.errors import ServiceUnavailable, Throttled
from chalicelib.serving.calls import Deadline
from chalicelib.snowflake.pace import PacedCaller
from tests.chalicelib.house import THROTTLE, Clock


class LimitedCampaign:
    """Takes `rate` calls a second, saved up to `burst`; each answer takes `latency` seconds of the
    clock.
    """

    def __init__(self, clock: Clock, rate: float, burst: float, latency: float = 0.0) -> None:
        self.clock, self.rate, self.burst, self.latency = clock, rate, burst, latency
        self.tokens, self.seen_at = burst, clock()
        self.answered = self.refused = 0

    def __call__(self, **arguments: Any) -> Mapping[str, Any]:
        self.tokens = min(self.burst, self.tokens + (self.clock() - self.seen_at) * self.rate)
        self.seen_at = self.clock()
        self.clock.seconds += self.latency
        if self.tokens < 1:
            self.refused += 1
            raise THROTTLE
        self.tokens -= 1
        self.answered += 1
        return {}


def run(campaign: LimitedCampaign, clock: Clock, calls: int, seconds: float = 1e9) -> PacedCaller:
    caller = PacedCaller(clock.sleep, lambda: 0.5, clock=clock)
    deadline = Deadline.after(seconds, clock)
    for _ in range(calls):
        caller.call(campaign, {"campaignArn": "a"}, deadline)
    return caller


def test_without_throttles_nothing_waits() -> None:
    clock = Clock()
    caller = run(LimitedCampaign(clock, rate=1e9, burst=1e9, latency=0.001), clock, 1_000)
    assert clock.slept == []
    assert not caller.has_throttled


@pytest.mark.parametrize("burst", [0.02, 0.1])
@pytest.mark.parametrize("rate", [50, 500])
def test_a_limited_campaign_is_used_almost_fully_and_refuses_little(
    rate: float, burst: float
) -> None:
    clock = Clock()
    began = clock()
    campaign = LimitedCampaign(clock, rate=rate, burst=rate * burst + 1, latency=0.0001)
    run(campaign, clock, calls=int(rate * 60))
    assert campaign.answered / (clock() - began) >= 0.95 * rate
    assert campaign.refused <= 0.1 * campaign.answered


def test_a_campaign_that_answers_nobody_is_given_up_within_a_second() -> None:
    clock = Clock()
    with pytest.raises(Throttled):
        run(LimitedCampaign(clock, rate=0, burst=0), clock, 1)
    assert sum(clock.slept) < 1


def test_too_many_calls_for_the_time_end_as_a_throttle_at_once() -> None:
    clock = Clock()
    began = clock()
    with pytest.raises(Throttled, match="calls a second"):
        run(LimitedCampaign(clock, rate=50, burst=5), clock, 10_000, seconds=25)
    assert clock() - began <= 25


def test_time_that_runs_out_without_a_throttle_is_a_fault() -> None:
    clock = Clock()
    with pytest.raises(ServiceUnavailable, match="DeadlineExceeded"):
        run(LimitedCampaign(clock, rate=1e9, burst=1e9, latency=1), clock, 100, seconds=10)
