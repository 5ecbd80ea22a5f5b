"""A small cache whose values are made once, however many threads ask for them at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Cache:
    """The `most` last used values.

    Each is made once, however many threads ask for it at the same time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        found, value = self._find(key)
        if found:
            return value  # type: ignore[no-any-return]
        with self._lock:
            turn = self._making.setdefault(key, threading.Lock())
        # Others with the same key wait here; those with another key do not.
        with turn:
            found, value = self._find(key)
            if not found:
                value = make()
                with self._lock:
                    self._values[key] = value
                    self._making.pop(key, None)
                    if len(self._values) > self._most:
                        self._values.popitem(last=False)
        return value  # type: ignore[no-any-return]

    def forget(self, key: Hashable, value: object) -> None:
        """Drops `value`, unless another has taken its place already."""
        with self._lock:
            if self._values.get(key) is value:
                del self._values[key]

    def _find(self, key: Hashable) -> tuple[bool, Any]:
        with self._lock:
            if key not in self._values:
                return False, None
            self._values.move_to_end(key)
            return True, self._values[key]
