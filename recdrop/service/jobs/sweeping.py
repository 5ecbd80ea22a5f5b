"""Job folders that nothing refers to any more are removed, with some delay."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from recdrop.service.resources.store import Store

_REFERRING = (
    "SELECT body FROM resources",
    "SELECT payload || spec FROM jobs WHERE state != 'done'",
    "SELECT payload FROM steps",
)


class Sweeper:
    """Removes folders of `folder` that have been idle for `grace` seconds of `clock`.

    Not at once, since a request under way may still read what was in use a moment ago.
    """

    def __init__(
        self, store: Store, folder: Path, clock: Callable[[], float], grace: float = 60.0
    ) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._grace = grace
        self._idle_since: dict[str, float] = {}
        self._lock = threading.Lock()

    def sweep(self, busy: Iterable[str] = (), *, at_once: bool = False) -> None:
        """Removes folders unused for the grace period; `busy` are those of running jobs."""
        with self._lock:
            used = self._used()
            idle = {name for name in self._names() - set(busy) if f"jobs/{name}/" not in used}
            now = self._clock()
            self._idle_since = {name: self._idle_since.get(name, now) for name in idle}
            for name, since in self._idle_since.items():
                if at_once or now - since >= self._grace:
                    shutil.rmtree(self._folder / name, ignore_errors=True)

    def _names(self) -> set[str]:
        if not self._folder.exists():
            return set()
        return {path.name for path in self._folder.iterdir() if path.is_dir()}

    def _used(self) -> str:
        """All documents in one text: a folder is in use when its path stands somewhere in it."""
        return " ".join(text for sql in _REFERRING for (text,) in self._store.query(sql))
