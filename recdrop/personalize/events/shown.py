"""What was recommended under which recommendationId, for events that name it without an impression."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

MOST = 20_000


class Shown:
    """The last recommendations, oldest forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._lists: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def remember(self, recommendation_id: str, items: Sequence[str]) -> None:
        with self._lock:
            self._lists[recommendation_id] = tuple(items)
            if len(self._lists) > self._most:
                self._lists.popitem(last=False)

    def items(self, recommendation_id: str) -> tuple[str, ...]:
        with self._lock:
            return self._lists.get(recommendation_id, ())
