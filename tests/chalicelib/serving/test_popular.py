"""Popular lists: read once per run, never a reason to fail."""

from __future__ import annotations

import io
from typing import Any

from chalicelib import documents
from chalicelib.buckets import Bucket
from chalicelib.documents import PopularItem, PopularList, PopularRecord
from chalicelib.serving.group import Group
from chalicelib.serving.popular import KEPT_LISTS, PopularLists
from tests.chalicelib.house import service_error

LIST = documents.encode(PopularList(items=(PopularItem(item_id="tea", count=3),)))


class Shelf:
    """An S3 client of one object, which counts its reads."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.reads = 0

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.reads += 1
        answer = self.answers[min(self.reads, len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return {"Body": io.BytesIO(answer)}


def lists_of(shelf: Any) -> PopularLists:
    return PopularLists(lambda: Bucket(shelf, "work"))


def group(run: str = "run1") -> Group:
    return Group("shop", {}, PopularRecord(key="popular.json", run=run))


def test_a_list_is_read_once_for_each_run() -> None:
    shelf = Shelf(LIST)
    lists = lists_of(shelf)
    for run in ("run1", "run1", "run2"):
        assert [item.item_id for item in lists.of(group(run))] == ["tea"]
    assert shelf.reads == 2


def test_a_group_without_a_list_needs_no_bucket() -> None:
    def no_bucket() -> Bucket:
        raise AssertionError

    assert PopularLists(no_bucket).of(Group("shop", {}, None)) == ()


def test_a_list_that_cannot_be_read_is_empty_and_tried_again() -> None:
    gone, fault = service_error("NoSuchKey", status=404), service_error("InternalError", "", 500)
    lists = lists_of(Shelf(gone, fault, b"{", b'{"version": 9}', LIST))
    assert [len(lists.of(group())) for _ in range(5)] == [0, 0, 0, 0, 1]


def test_the_oldest_lists_make_room() -> None:
    shelf = Shelf(LIST)
    lists = lists_of(shelf)
    for number in range(KEPT_LISTS + 1):
        lists.of(group(f"run{number}"))
    lists.of(group("run0"))
    assert shelf.reads == KEPT_LISTS + 2
