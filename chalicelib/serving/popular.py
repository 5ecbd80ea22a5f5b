"""The popular list of a group: an object of the work bucket, written with each promotion.

It is what is served when no campaign answers, so nothing here may fail a request: without a list
it is empty.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from chalicelib.buckets import Bucket
from chalicelib.documents import PopularItem, PopularList
from chalicelib.errors import AwsError, DocumentUnreadable
from chalicelib.serving.group import Group
from chalicelib.telemetry import logger

KEPT_LISTS = 20


class PopularLists:
    """Popular lists by group, the last few of them kept. Safe for threads.

    `bucket` gives the work bucket when it is first needed: most requests need none.
    """

    def __init__(self, bucket: Callable[[], Bucket]) -> None:
        self._bucket = bucket
        self._lock = threading.Lock()
        # By key and run: within a run the object under a key never changes.
        self._lists: OrderedDict[tuple[str, str | None], tuple[PopularItem, ...]] = OrderedDict()

    def of(self, group: Group) -> tuple[PopularItem, ...]:
        """Most popular first; empty when the group has no list or it cannot be read."""
        if group.popular is None:
            return ()
        key = (group.popular.key, group.popular.run)
        with self._lock:
            found = self._lists.get(key)
        if found is None:
            found = self._load(group.popular.key)
            # What could not be read is tried again at the next request.
            if found:
                self._keep(key, found)
        return found

    def _load(self, key: str) -> tuple[PopularItem, ...]:
        try:
            return self._bucket().read_document(key, PopularList).items
        except (AwsError, DocumentUnreadable) as error:
            fields = {"key": key, "reason": str(error)}
            logger.warning("The popular list cannot be read", extra=fields)
            return ()

    def _keep(self, key: tuple[str, str | None], items: tuple[PopularItem, ...]) -> None:
        with self._lock:
            self._lists[key] = items
            while len(self._lists) > KEPT_LISTS:
                self._lists.popitem(last=False)
