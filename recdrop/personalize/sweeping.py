"""Job folders (imported data, models) that nothing refers to any more are removed, with some delay."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from recdrop.personalize.store import Store

_REFERRING = (
    "SELECT body FROM resources",
    "SELECT payload || spec FROM jobs WHERE state != 'done'",
    "SELECT payload FROM steps",
)


class Sweeper:
    """A request under way may still read what was in use a moment ago: hence `grace` seconds of
    `clock`.
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
            names = (
                {path.name for path in self._folder.iterdir() if path.is_dir()}
                if self._folder.exists()
                else set()
            )
            used = self._used()
            idle = {name for name in names - set(busy) if f"jobs/{name}/" not in used}
            now = self._clock()
            self._idle_since = {name: self._idle_since.get(name, now) for name in idle}
            for name, since in self._idle_since.items():
                if at_once or now - since >= self._grace:
                    shutil.rmtree(self._folder / name, ignore_errors=True)

    def _used(self) -> str:
        return " ".join(text for sql in _REFERRING for (text,) in self._store.query(sql))
