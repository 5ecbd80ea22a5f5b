"""The popular list of a group: JSON in S3, written by the pipeline from the export that trained the
model.

It is what is served when no campaign answers, so nothing here may fail a request: without a list it
is empty.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from chalicelib.serving.records import Group
from chalicelib.serving.runtime import service_errors
from chalicelib.telemetry import logger

KEPT_LISTS = 20


class S3(Protocol):
    """What is used of boto3's S3 client."""

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]: ...


class PopularItem(msgspec.Struct, frozen=True, rename="camel"):
    item_id: str
    count: float | None = None
    metadata: dict[str, Any] = {}


class PopularList(msgspec.Struct, frozen=True):
    items: tuple[PopularItem, ...] = ()


class PopularLists:
    """Popular lists by group; the last few are kept, by key and run, since a key's list never
    changes within a run.
    """

    def __init__(self, s3: Callable[[], S3], bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lock = threading.Lock()
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
            if found:
                self._keep(key, found)
        return found

    def _load(self, key: str) -> tuple[PopularItem, ...]:
        try:
            body = self._s3().get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return msgspec.json.decode(body, type=PopularList).items
        except _reading_errors() as error:
            logger.warning(
                "The popular list cannot be read", extra={"key": key, "error": type(error).__name__}
            )
            return ()

    def _keep(self, key: tuple[str, str | None], items: tuple[PopularItem, ...]) -> None:
        with self._lock:
            self._lists[key] = items
            while len(self._lists) > KEPT_LISTS:
                self._lists.popitem(last=False)


def _reading_errors() -> tuple[type[Exception], ...]:
    return (*service_errors(), msgspec.MsgspecError, UnicodeError)
