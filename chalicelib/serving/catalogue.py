"""The groups and what they serve: a cache over the ledger.

Reads are kept for `ttl` seconds, so that a promotion is seen soon and a request costs no read.
While the table does not answer, the last known records serve on: a campaign needs no table.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from chalicelib.documents import PopularRecord
from chalicelib.errors import AwsError, DocumentUnreadable
from chalicelib.ledger import Ledger
from chalicelib.serving.errors import BadRequest, NotFound, NotReady, Unavailable, one_of
from chalicelib.serving.group import Group
from chalicelib.telemetry import logger

# Names of groups come from callers: there must be an end to what they can make this process keep.
KEPT_KEYS = 1_000

Read = TypeVar("Read")


class Catalogue:
    """The groups. Safe for threads; one read per key and `ttl` seconds, whoever asks.

    `clock` gives monotonic seconds.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float], ttl: float = 10.0) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ttl = ttl
        self._loading = threading.Lock()
        self._seen: dict[str, tuple[float, object]] = {}

    def group(self, name: str | None) -> Group:
        """The named group, or the only one that serves.

        Raises:
            BadRequest: there are several and none is named; the message lists them.
            NotFound: it is not one of them.
            NotReady: its first run has not ended.
            Unavailable: the table was never read and cannot be now.
        """
        if name is None:
            name = self._only_group()
        found = self._read_group(name)
        if not found:
            if name in self.groups():
                raise NotReady(f"Group {name!r} serves nothing yet. Its first run has to finish.")
            raise NotFound(f"Unknown group {name!r}. Expected one of: {one_of(self.groups())}.")
        return found

    def groups(self) -> tuple[str, ...]:
        """The names of all groups, sorted.

        Raises:
            Unavailable: as `group`.
        """
        return self._read("groups", self._load_groups)

    def check(self) -> tuple[Group, ...]:
        """Every group, read now and past the cache: what /health reports.

        Raises:
            Unavailable: the table cannot be read now.
        """
        try:
            loaded = map(self._load_group, self._load_groups())
            return tuple(group for group in loaded if group is not None)
        except AwsError as error:
            raise unreadable() from error

    def _only_group(self) -> str:
        groups = self.groups()
        if not groups:
            raise NotFound("No group is served yet. Expected a finished run of at least one group.")
        if len(groups) > 1:
            groups = self._serving_groups() or groups
        if len(groups) == 1:
            return groups[0]
        raise BadRequest(
            f"group is missing and there are several. Expected one of: {one_of(groups)}."
        )

    def _serving_groups(self) -> tuple[str, ...]:
        return tuple(name for name in self.groups() if self._read_group(name))

    def _read_group(self, name: str) -> Group | None:
        return self._read(f"group#{name}", lambda: self._load_group(name))

    # -- the cache ---------------------------------------------------------------------------------

    def _read(self, key: str, load: Callable[[], Read]) -> Read:
        """`load`'s result, at most `ttl` old; older when the table does not answer."""
        found = self._fresh(key)
        if found is None:
            # One thread loads; the others wait for it and find what it loaded.
            with self._loading:
                found = self._fresh(key) or self._load(key, load)
        return found[1]  # type: ignore[return-value]  # each key is loaded by one function

    def _fresh(self, key: str) -> tuple[float, object] | None:
        found = self._seen.get(key)
        return found if found is not None and self._clock() - found[0] < self._ttl else None

    def _load(self, key: str, load: Callable[[], object]) -> tuple[float, object]:
        seen = self._seen.get(key)
        try:
            value = load()
        except AwsError as error:
            if seen is None:
                raise unreadable() from error
            value = seen[1]
        found = (self._clock(), value)
        # What is not there yet is looked for again: its first run may end at any moment.
        if value:
            if len(self._seen) >= KEPT_KEYS:
                self._seen.clear()
            self._seen[key] = found
        return found

    # -- the ledger --------------------------------------------------------------------------------

    def _load_groups(self) -> tuple[str, ...]:
        return tuple(record.group for record in self._ledger.catalogue(_log_unreadable))

    def _load_group(self, name: str) -> Group | None:
        """None where it does not exist. A record that cannot be read is left out: it must not take
        the others with it.
        """
        record = self._ledger.group(name)
        if record is None:
            return None
        served = self._ledger.served(name, on_unreadable=_log_unreadable)
        return Group.of(record, served, self._load_popular(name))

    def _load_popular(self, name: str) -> PopularRecord | None:
        try:
            return self._ledger.popular(name)
        except DocumentUnreadable as error:
            _log_unreadable(error)
            return None


def unreadable() -> Unavailable:
    return Unavailable("The table cannot be read.", retry_after=5)


def _log_unreadable(error: DocumentUnreadable) -> None:
    logger.error("A record of the ledger cannot be read", extra={"reason": str(error)})
