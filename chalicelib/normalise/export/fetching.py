"""Files of an export from their bucket to the disk."""

from __future__ import annotations

from pathlib import Path

from chalicelib.buckets import Bucket
from chalicelib.errors import Changed, Missing
from chalicelib.normalise.errors import FileRejected


def fetch(bucket: Bucket, key: str, target: Path, etag: str | None = None) -> Path:
    """Streams one object to the file `target`, whose folder is made.

    Raises:
        FileRejected: the object has vanished, or is no longer the one with `etag`.
        AwsError: as Bucket's.
    """
    try:
        return bucket.download(key, target, etag)
    except Missing as error:
        raise FileRejected(
            "vanished", f"The file {key!r} is no longer in the bucket. Drop it again."
        ) from error
    except Changed as error:
        raise FileRejected(
            "replaced",
            f"The file {key!r} was replaced after the export was complete. "
            "The new one will be a run of its own.",
        ) from error
