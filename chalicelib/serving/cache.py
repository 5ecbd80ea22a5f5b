"""Answers of the last seconds, in memory.

Keys hold the solution version, so a promotion never serves a predecessor's answer. A user's own
events make that user's answers go away at once. Only in this process: another Lambda instance keeps
its own, for `ttl` seconds at most.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")
Entry = tuple[Hashable, Hashable]  # owner, key


class Cache(Generic[Value]):
    """At most `size` values, each for `ttl` seconds; the oldest is dropped first. Safe for threads.

    An owner is whom a value is about: (group, user). `clock` gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float], ttl: float = 10.0, size: int = 5_000) -> None:
        self._clock = clock
        self._ttl = ttl
        self._size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[Entry, tuple[float, Value]] = OrderedDict()
        self._entries_of: dict[Hashable, set[Entry]] = {}
        # When each owner was last forgotten, for the answers that were on their way at that moment.
        self._forgotten: OrderedDict[Hashable, float] = OrderedDict()

    def get(self, owner: Hashable, key: Hashable) -> Value | None:
        with self._lock:
            found = self._values.get((owner, key))
            return found[1] if found is not None and self._clock() - found[0] < self._ttl else None

    def put(self, owner: Hashable, key: Hashable, value: Value, asked_at: float) -> None:
        """Keep `value`, asked for at `asked_at` (by `clock`), unless `owner` was forgotten since."""
        entry = (owner, key)
        with self._lock:
            if self._forgotten.get(owner, float("-inf")) >= asked_at:
                return
            self._drop(entry)
            self._values[entry] = (self._clock(), value)
            self._entries_of.setdefault(owner, set()).add(entry)
            while len(self._values) > self._size:
                self._drop(next(iter(self._values)))

    def forget(self, owner: Hashable) -> None:
        """Drop every value of `owner`, and those that are being asked for right now."""
        with self._lock:
            for entry in list(self._entries_of.get(owner, ())):
                self._drop(entry)
            self._forgotten.pop(owner, None)  # to the end: the longest forgotten make room
            self._forgotten[owner] = self._clock()
            while len(self._forgotten) > self._size:
                self._forgotten.popitem(last=False)

    def _drop(self, entry: Entry) -> None:
        if self._values.pop(entry, None) is None:
            return
        entries = self._entries_of[entry[0]]
        entries.remove(entry)
        if not entries:
            del self._entries_of[entry[0]]
