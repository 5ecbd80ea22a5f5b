from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from chalicelib.buckets import Bucket
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.transfer import fetch

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


def test_an_object_that_vanished_is_named(s3: S3Client, tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match=r"'shop/a.csv' is no longer in the bucket") as error:
        fetch(Bucket(s3, "drop"), "shop/a.csv", tmp_path / "copy", "0" * 32)
    assert error.value.code == "vanished"


def test_an_object_that_was_replaced_is_not_mixed_in(s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket="drop", Key="shop/a.csv", Body=b"new")
    with pytest.raises(FileRejected, match="was replaced") as error:
        fetch(Bucket(s3, "drop"), "shop/a.csv", tmp_path / "copy", "0" * 32)
    assert error.value.code == "replaced"
