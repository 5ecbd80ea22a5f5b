from __future__ import annotations

import pytest

from recdrop.personalize.control.quotas import CONTROL_RATE, RATES, load_quotas
from recdrop.personalize.errors import LimitExceededError
from recdrop.service.errors import UnmodelledError
from recdrop.service.http.rates import Rates


class Hand:
    """A clock moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_eleventh_put_items_of_a_second_is_throttled_for_that_dataset_only() -> None:
    clock = Hand()
    rates = Rates(load_quotas(), RATES, CONTROL_RATE, clock)
    for _ in range(10):
        rates.check("PutItems", {"datasetArn": "a"})
    with pytest.raises(UnmodelledError, match="Rate exceeded") as refused:
        rates.check("PutItems", {"datasetArn": "a"})
    assert (refused.value.code, refused.value.status) == ("ThrottlingException", 429)
    rates.check("PutItems", {"datasetArn": "b"})
    clock.now = 0.1
    rates.check("PutItems", {"datasetArn": "a"})


def test_too_many_control_calls_get_the_other_meaning_of_limit_exceeded() -> None:
    quotas = load_quotas().adjusted({"control_requests_per_second": 1})
    rates = Rates(quotas, RATES, CONTROL_RATE, Hand())
    rates.check("ListSchemas", {})
    with pytest.raises(LimitExceededError, match="requests per second"):
        rates.check("ListSchemas", {})
