"""S3 as the service reads and writes it, with the service's texts when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from recdrop.service.errors import JobFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = ("NoSuchBucket", "NoSuchKey", "404", "NotFound")
_FORBIDDEN = ("AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch")


class Objects:
    def __init__(self, endpoint: str | None, region: str) -> None:
        self._client = _client(endpoint, region)

    def fetch(
        self, location: str, folder: Path, *, what: str = "Invalid Data location."
    ) -> list[Path]:
        """Downloads all objects whose keys begin as the location does: it is a prefix, slash or not.

        Names of the files keep the order of the keys.

        Raises:
            JobFailed: `what`, when there is nothing; S3's own reason otherwise.
        """
        bucket, key = split(location, what)
        folder.mkdir(parents=True, exist_ok=True)
        with _translated(what):
            keys = list(self._keys(bucket, key))
            if not keys:
                raise JobFailed(what)
            files = []
            for number, found in enumerate(keys):
                file = folder / f"{number:05d}-{found.rpartition('/')[2]}"
                self._client.download_file(bucket, found, str(file))
                files.append(file)
        return files

    def upload(self, file: Path, location: str, *, what: str = "Invalid S3 output path") -> None:
        bucket, key = split(location, what)
        with _translated(what):
            self._client.upload_file(str(file), bucket, key)

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        for page in self._client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix
        ):
            yield from (
                entry["Key"] for entry in page.get("Contents", ()) if not entry["Key"].endswith("/")
            )


def split(location: str, what: str) -> tuple[str, str]:
    if not location.startswith("s3://"):
        raise JobFailed(what)
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return bucket, key


@cache
def _client(endpoint: str | None, region: str) -> S3Client:
    session = boto3.Session()
    # botocore refuses to sign without keys, and a local S3 takes any.
    found = session.get_credentials() is not None
    client: S3Client = session.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=None if found else "local",
        aws_secret_access_key=None if found else "local",
        config=Config(
            retries={"mode": "standard", "max_attempts": 3}, s3={"addressing_style": "path"}
        ),
    )
    return client


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise JobFailed(what) from error
        if code in _FORBIDDEN:
            raise JobFailed("Insufficient privileges for accessing data in Amazon S3.") from error
        raise
    except BotoCoreError as error:
        raise JobFailed(f"Amazon S3 did not answer: {error}") from error
