"""Watches a folder, and uploads as a drop what is saved in it.

A file's path below the folder is its key: `<group>/<dataset>/<file>`, or `<group>/recdrop.toml`. Of
what is found together manifests go last. A file is uploaded when its size and time of change have
been the same in two looks; again when it has changed; not when the bucket has it already. Hidden
files and the temporary names of editors, browsers and copy tools are left alone.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
TEMPORARY = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")


@dataclass(frozen=True)
class Seen:
    """What a file looked like."""

    size: int
    changed: int


class Watcher:
    """Uploads what appears in `folder` to `bucket`. `s3` is a boto3 client."""

    def __init__(self, folder: Path, bucket: str, s3: Any, seconds: float = LOOK_SECONDS) -> None:
        self._folder = folder
        self._bucket = bucket
        self._s3 = s3
        self._seconds = seconds
        self._last: dict[str, Seen] = {}
        self._done: dict[str, Seen] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look every half second."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, after the upload at work."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                for key in self.look():
                    LOG.warning("Dropped s3://%s/%s", self._bucket, key)
            except Exception:
                LOG.exception("Looking at %s failed; trying again", self._folder)

    def look(self) -> list[str]:
        """One look; the keys that were uploaded."""
        found = {
            key: seen
            for path in self._folder.rglob("*")
            if (key := self.key_of(path)) and (seen := see(path))
        }
        steady = [
            key
            for key, seen in found.items()
            if self._last.get(key) == seen and self._done.get(key) != seen
        ]
        self._last = found
        uploaded = []
        # A manifest says that the export is complete: what it lists has to be there before it.
        for key in sorted(steady, key=lambda key: (is_marker(key), key)):
            if self._upload(key):
                uploaded.append(key)
            self._done[key] = found[key]
        return uploaded

    def key_of(self, path: Path) -> str | None:
        """The key of a file, or None when it is not a drop."""
        parts = path.relative_to(self._folder).parts
        if any(part.startswith(".") for part in parts) or path.name.lower().endswith(TEMPORARY):
            return None
        is_config = len(parts) == 2 and path.name == "recdrop.toml"
        return "/".join(parts) if len(parts) >= 3 or is_config else None

    def _upload(self, key: str) -> bool:
        path = self._folder / key
        with path.open("rb") as file:
            digest = hashlib.file_digest(
                file, lambda: hashlib.md5(usedforsecurity=False)
            ).hexdigest()
            if digest == self._etag(key):
                return False
            file.seek(0)
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=file)
        return True

    def _etag(self, key: str) -> str | None:
        from botocore.exceptions import ClientError

        try:
            return str(self._s3.head_object(Bucket=self._bucket, Key=key)["ETag"]).strip('"')
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return None
            raise


def see(path: Path) -> Seen | None:
    """What a regular file looks like now; None for anything else, and for one that has just gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Seen(status.st_size, status.st_mtime_ns) if path.is_file() else None


def is_marker(key: str) -> bool:
    """Whether a file says that an export is complete, and so has to come last."""
    name = key.rsplit("/", 1)[-1].lower()
    return name.endswith("manifest.json") or name == "manifest" or name.startswith("_success")
