from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from chalicelib.buckets import Bucket
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.export.fetching import fetch


@pytest.fixture
def drop() -> Iterator[Bucket]:
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.create_bucket(Bucket="drop")
        yield Bucket(client, "drop")


def test_an_object_comes_whole_into_a_folder_that_is_made(drop: Bucket, tmp_path: Path) -> None:
    drop.write("shop/a b+ü.csv", b"x" * 3_000_000)
    head = drop.head("shop/a b+ü.csv")
    assert head is not None
    found = fetch(drop, "shop/a b+ü.csv", tmp_path / "new" / "copy", head.etag)
    assert found.read_bytes() == b"x" * 3_000_000


def test_an_object_that_vanished_is_named(drop: Bucket, tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match=r"'shop/a.csv' is no longer in the bucket") as error:
        fetch(drop, "shop/a.csv", tmp_path / "copy")
    assert error.value.code == "vanished"


def test_an_object_that_was_replaced_is_not_mixed_in(drop: Bucket, tmp_path: Path) -> None:
    drop.write("shop/a.csv", b"new")
    with pytest.raises(FileRejected, match="was replaced") as error:
        fetch(drop, "shop/a.csv", tmp_path / "copy", etag="0123456789abcdef0123456789abcdef")
    assert error.value.code == "replaced"
