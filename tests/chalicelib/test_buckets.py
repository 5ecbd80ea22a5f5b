from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.buckets import Bucket
from chalicelib.documents import DataRecord, PopularItem, PopularList
from chalicelib.errors import Changed, DocumentUnreadable, Missing
from tests.chalicelib.town import Town


@pytest.fixture
def bucket(town: Town) -> Bucket:
    return town.context.work


def test_a_file_comes_and_goes_whole(bucket: Bucket, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    bucket.upload(source, "shop/a b+ü.csv")
    head = bucket.head("shop/a b+ü.csv")
    assert head is not None
    copy = bucket.download("shop/a b+ü.csv", tmp_path / "new" / "copy", head.etag)
    assert copy.read_bytes() == source.read_bytes()
    assert head.size == 3_000_000


def test_what_is_not_there_is_none_where_that_is_an_answer_and_missing_elsewhere(
    bucket: Bucket, tmp_path: Path
) -> None:
    assert bucket.head("a") is None
    assert bucket.read_if_there("a") is None
    assert bucket.find_document("a", PopularList) is None
    for read in (bucket.read, lambda key: bucket.download(key, tmp_path / "a")):
        with pytest.raises(Missing):
            read("a")


def test_an_object_that_was_replaced_is_changed(bucket: Bucket, tmp_path: Path) -> None:
    bucket.write("a", b"new")
    with pytest.raises(Changed):
        bucket.download("a", tmp_path / "a", "0" * 32)


def test_keys_are_listed_over_all_pages(bucket: Bucket) -> None:
    for number in range(5):
        bucket.write(f"part/{number}", b"")
    bucket.write("other/1", b"")
    assert bucket.keys("part/") == [f"part/{number}" for number in range(5)]
    assert bucket.keys("nothing/") == []


def test_a_document_is_read_as_what_it_is(bucket: Bucket) -> None:
    popular = PopularList(items=(PopularItem("i1", 3, {"NAME": "Tea"}),))
    bucket.write_json("popular.json", popular)
    assert bucket.read_document("popular.json", PopularList) == popular
    with pytest.raises(DocumentUnreadable, match=r"popular\.json"):
        bucket.read_document("popular.json", DataRecord)


def test_a_key_has_a_url(bucket: Bucket) -> None:
    assert bucket.url("a/b") == f"s3://{bucket.name}/a/b"
