from __future__ import annotations

import pytest

from recdrop.service.errors import UnmodelledError
from recdrop.service.http.rates import Limit, Rates
from recdrop.service.resources.quotas import Quotas


def throttled() -> UnmodelledError:
    return UnmodelledError("ThrottlingException", "Rate exceeded")


def slow() -> UnmodelledError:
    return UnmodelledError("LimitExceededException", "Slow down")


def test_each_scope_has_its_own_second_and_the_rest_share_one() -> None:
    now = [0.0]
    quotas = Quotas("2026-01-01", {"songs": 2, "rest": 1})
    songs, rest = Limit("songs", "choir", throttled), Limit("rest", None, slow)
    rates = Rates(quotas, {"Sing": songs}, rest, lambda: now[0])
    for _ in range(2):
        rates.check("Sing", {"choir": "a"})
    with pytest.raises(UnmodelledError, match="Rate exceeded"):
        rates.check("Sing", {"choir": "a"})
    rates.check("Sing", {"choir": "b"})
    rates.check("Dance", {"choir": "a"})
    with pytest.raises(UnmodelledError, match="Slow down"):
        rates.check("Dance", {"choir": "b"})
    now[0] = 0.5
    rates.check("Sing", {"choir": "a"})
