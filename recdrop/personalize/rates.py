"""Requests a second, where the service limits them: a bucket of one second's tokens per campaign,
group or dataset.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from recdrop.personalize.errors import LimitExceededError, ServiceError, UnmodelledError
from recdrop.personalize.quotas import Quotas
from recdrop.personalize.world import Request

LIMITS: Mapping[str, tuple[str, str]] = {
    "GetRecommendations": ("recommendation_requests_per_second", "campaignArn"),
    "GetPersonalizedRanking": ("recommendation_requests_per_second", "campaignArn"),
    "GetActionRecommendations": ("recommendation_requests_per_second", "campaignArn"),
    "PutEvents": ("event_requests_per_second", "trackingId"),
    "PutActionInteractions": ("event_requests_per_second", "trackingId"),
    "PutItems": ("record_requests_per_second", "datasetArn"),
    "PutUsers": ("record_requests_per_second", "datasetArn"),
    "PutActions": ("record_requests_per_second", "datasetArn"),
}
CONTROL = "control_requests_per_second"
MOST_BUCKETS = 10_000


class Rates:
    """The control plane's limit is not published: `control_requests_per_second` is far away unless
    set.
    """

    def __init__(self, quotas: Quotas, clock: Callable[[], float] = time.monotonic) -> None:
        self._quotas = quotas
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def check(self, operation: str, request: Request) -> None:
        """Takes a token for a request; the service's refusal when there is none."""
        quota, scope = LIMITS.get(operation, (CONTROL, ""))
        if not self._take((operation, str(request.get(scope, ""))), float(self._quotas[quota])):
            raise _refusal(quota)

    def _take(self, key: tuple[str, str], rate: float) -> bool:
        with self._lock:
            now = self._clock()
            tokens, then = self._buckets.get(key, (rate, now))
            tokens = min(rate, tokens + (now - then) * rate)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.clear()
            self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
            return tokens >= 1


def _refusal(quota: str) -> ServiceError:
    if quota == CONTROL:
        return LimitExceededError(
            "The limit on the number of requests per second has been exceeded."
        )
    return UnmodelledError("ThrottlingException", "Rate exceeded", 429)
