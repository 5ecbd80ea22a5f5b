"""S3 as the service reads and writes it, with the service's texts when it cannot.

The service assumes the role that a job was given, and says for which of its resources, so that the
role's trust and the bucket's policy can tell. Without an STS it signs as its process does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from recdrop.service.errors import JobFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = ("NoSuchBucket", "NoSuchKey", "404", "NotFound")
_FORBIDDEN = ("AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch")


# What the service signs with, before it has a role.
SERVICE = "personalize.amazonaws.com"


class Objects:
    """`order` is a work order; `role` the ARN of the role that its resource was given."""

    def __init__(self, order: Mapping[str, Any], role: str | None) -> None:
        self._order = order
        self._role = role

    @cached_property
    def _client(self) -> S3Client:
        endpoint, region = self._order["s3_endpoint"], self._order["region"]
        sts = self._order.get("sts_endpoint")
        if sts is None:
            return _own_client(endpoint, region)
        if self._role is None:
            return _client(endpoint, region, SERVICE, "local", None)
        keys = assume(sts, region, self._role, self._order["arn"])
        return _client(endpoint, region, *keys)

    def fetch(
        self,
        location: str,
        folder: Path,
        *,
        what: str = "Invalid Data location.",
        leave: tuple[str, ...] = (),
    ) -> list[Path]:
        """Downloads all objects whose keys begin as the location does: it is a prefix, slash or not.

        Each lies in a folder of its own, by the order of the keys, so that it keeps its name, which
        messages tell. Keys that end in one of `leave` are left out.

        Raises:
            JobFailed: `what`, when there is nothing; S3's own reason otherwise.
        """
        bucket, key = split(location, what)
        folder.mkdir(parents=True, exist_ok=True)
        with _translated(what):
            keys = [found for found in self._keys(bucket, key) if not found.endswith(leave)]
            if not keys:
                raise JobFailed(what)
            files = []
            for number, found in enumerate(keys):
                file = folder / f"{number:05d}" / found.rpartition("/")[2]
                file.parent.mkdir(exist_ok=True)
                self._client.download_file(bucket, found, str(file))
                files.append(file)
        return files

    def upload(self, file: Path, location: str, *, what: str = "Invalid S3 output path") -> None:
        bucket, key = split(location, what)
        with _translated(what):
            self._client.upload_file(str(file), bucket, key)

    def put(self, body: bytes, location: str, *, what: str = "Invalid S3 output path") -> None:
        bucket, key = split(location, what)
        with _translated(what):
            self._client.put_object(Bucket=bucket, Key=key, Body=body)

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


def assume(endpoint: str, region: str, role: str, source: str) -> tuple[str, str, str]:
    """Access key, secret and token of a session of the role, for work on the resource `source`."""
    answer = _sts(endpoint, region, source).assume_role(RoleArn=role, RoleSessionName="Personalize")
    found = answer["Credentials"]
    return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]


def _sts(endpoint: str, region: str, source: str) -> Any:
    client = _session().client(
        "sts",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=SERVICE,
        aws_secret_access_key="local",  # noqa: S106  nothing checks it # nosec B106
    )

    def tell(params: dict[str, Any], **_: Any) -> None:
        # As AWS's services do: what the keys aws:SourceArn and aws:SourceAccount are made from.
        params["headers"]["x-amz-source-arn"] = source
        params["headers"]["x-amz-source-account"] = source.split(":")[4]

    client.meta.events.register("before-call.sts.AssumeRole", tell)
    return client


@cache
def _session() -> boto3.Session:
    return boto3.Session()


@cache
def _own_client(endpoint: str | None, region: str) -> S3Client:
    # botocore refuses to sign without keys, and a local S3 takes any.
    found = _session().get_credentials() is not None
    key = None if found else "local"
    return _client(endpoint, region, key, key, None)


def _client(
    endpoint: str | None, region: str, key: str | None, secret: str | None, token: str | None
) -> S3Client:
    client: S3Client = _session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
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
