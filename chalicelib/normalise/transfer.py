"""The S3 side: objects to local files and back, streamed. The client arrives as an argument."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.normalise.errors import FileRejected

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK = 1 << 20


def download(s3: S3Client, bucket: str, key: str, target: Path, etag: str | None = None) -> Path:
    """Stream one object to `target`.

    :raises FileRejected: the object has vanished, or is no longer the one with `etag`.
    """
    request = {"IfMatch": etag} if etag else {}
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        body = s3.get_object(Bucket=bucket, Key=key, **request)["Body"]  # type: ignore[arg-type]
    except s3.exceptions.NoSuchKey as error:
        raise FileRejected(
            "vanished", f"The file {key!r} is no longer in the bucket. Drop it again."
        ) from error
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "PreconditionFailed":
            raise FileRejected(
                "replaced",
                f"The file {key!r} was replaced after the export was complete. The new one will be a run of its own.",
            ) from error
        raise
    with body, target.open("wb") as out:
        for chunk in body.iter_chunks(CHUNK):
            out.write(chunk)
    return target


def upload(s3: S3Client, path: Path, bucket: str, key: str, content_type: str = "text/csv") -> str:
    """Put one local file; returns its key. Large files go in parts."""
    s3.upload_file(str(path), bucket, key, ExtraArgs={"ContentType": content_type})
    return key
