from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.transfer import download, upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.create_bucket(Bucket="drop")
        yield client


def test_an_object_comes_and_goes_whole(s3: S3Client, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    upload(s3, source, "drop", "shop/a b+ü.csv")
    etag = s3.head_object(Bucket="drop", Key="shop/a b+ü.csv")["ETag"]
    assert (
        download(s3, "drop", "shop/a b+ü.csv", tmp_path / "new" / "copy", etag).read_bytes()
        == source.read_bytes()
    )


def test_an_object_that_vanished_is_named(s3: S3Client, tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match=r"'shop/a.csv' is no longer in the bucket") as error:
        download(s3, "drop", "shop/a.csv", tmp_path / "copy")
    assert error.value.code == "vanished"


def test_an_object_that_was_replaced_is_not_mixed_in(s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket="drop", Key="shop/a.csv", Body=b"new")
    with pytest.raises(FileRejected, match="was replaced") as error:
        download(
            s3, "drop", "shop/a.csv", tmp_path / "copy", etag="0123456789abcdef0123456789abcdef"
        )
    assert error.value.code == "replaced"
