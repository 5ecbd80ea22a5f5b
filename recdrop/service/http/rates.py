"""Requests a second, where a service limits them: a bucket of one second's tokens for each scope."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recdrop.service.errors import ServiceError
from recdrop.service.resources.quotas import Quotas

MOST_BUCKETS = 10_000


@dataclass(frozen=True)
class Limit:
    """The limit of an operation.

    quota    the name of the quota that says how many requests a second
    scope    the member of the request that they are counted by; None: all together
    refusal  makes the answer to one too many
    """

    quota: str
    scope: str | None
    refusal: Callable[[], ServiceError]


class Rates:
    """`limits` are by operation; `rest` is for those that are not named."""

    def __init__(
        self,
        quotas: Quotas,
        limits: Mapping[str, Limit],
        rest: Limit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quotas = quotas
        self._limits = limits
        self._rest = rest
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def check(self, operation: str, request: Mapping[str, Any]) -> None:
        """Takes a token for a request.

        Raises:
            ServiceError: the limit's refusal, when there is none left.
        """
        limit = self._limits.get(operation, self._rest)
        scope = str(request.get(limit.scope, "")) if limit.scope else ""
        if not self._take((operation, scope), float(self._quotas[limit.quota])):
            raise limit.refusal()

    def _take(self, key: tuple[str, str], rate: float) -> bool:
        with self._lock:
            now = self._clock()
            tokens, then = self._buckets.get(key, (rate, now))
            tokens = min(rate, tokens + (now - then) * rate)
            # Names come from clients, so the table must not grow for ever. A full bucket for all
            # lets a second's requests too many through, which is no harm.
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.clear()
            self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
            return tokens >= 1
