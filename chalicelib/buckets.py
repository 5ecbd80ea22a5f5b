"""A bucket as the pipeline needs it: small objects by key, documents, and files to and from the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from chalicelib import documents
from chalicelib.aws import call
from chalicelib.documents import Document
from chalicelib.errors import Missing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

D = TypeVar("D", bound=Document)
CHUNK_BYTES = 1 << 20
JSON, CSV, BYTES = "application/json", "text/csv", "application/octet-stream"


@dataclass(frozen=True)
class Head:
    """What HeadObject tells: bytes, the bare etag, and when it was written (epoch seconds)."""

    size: int
    etag: str
    modified: float


@dataclass(frozen=True)
class Bucket:
    """One bucket through one client.

    Raises:
        AwsError: of every method; Missing where there is no such object.
    """

    client: S3Client
    name: str

    def url(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def head(self, key: str) -> Head | None:
        """None when there is no such object."""
        try:
            found = call(self.client.head_object, Bucket=self.name, Key=key)
        except Missing:
            return None
        return Head(
            found["ContentLength"], found["ETag"].strip('"'), found["LastModified"].timestamp()
        )

    def keys(self, prefix: str) -> list[str]:
        return list(self.heads(prefix))

    def heads(self, prefix: str) -> dict[str, Head]:
        """By key, in the order of the keys: one listing, no call for each object."""
        pages = self.client.get_paginator("list_objects_v2")
        listed = call(lambda: list(pages.paginate(Bucket=self.name, Prefix=prefix)))
        return {
            item["Key"]: Head(
                item["Size"], item["ETag"].strip('"'), item["LastModified"].timestamp()
            )
            for page in listed
            for item in page.get("Contents", [])
        }

    def read(self, key: str) -> bytes:
        return call(lambda: self.client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def lines(self, key: str) -> Iterator[bytes]:
        """The lines of an object of any size, but for empty ones."""
        body = call(lambda: self.client.get_object(Bucket=self.name, Key=key)["Body"])
        with body:
            yield from (line for line in body.iter_lines(CHUNK_BYTES) if line.strip())

    def read_if_there(self, key: str) -> bytes | None:
        try:
            return self.read(key)
        except Missing:
            return None

    def write(self, key: str, body: bytes | str, content_type: str = BYTES) -> None:
        data = body.encode() if isinstance(body, str) else body
        call(self.client.put_object, Bucket=self.name, Key=key, Body=data, ContentType=content_type)

    def read_document(self, key: str, kind: type[D]) -> D:
        """The document at a key.

        Raises:
            DocumentUnreadable: there is one, but not of this kind and version.
        """
        return documents.decode(self.read(key), kind, key)

    def find_document(self, key: str, kind: type[D]) -> D | None:
        """None when there is no such object."""
        body = self.read_if_there(key)
        return None if body is None else documents.decode(body, kind, key)

    def write_json(self, key: str, value: object) -> None:
        """A document, or plain JSON values."""
        self.write(key, documents.encode(value), JSON)

    def download(self, key: str, target: Path, etag: str | None = None) -> Path:
        """Streams one object to the file `target`, whose folder is made.

        Raises:
            Missing: there is no such object.
            Changed: it is no longer the one with `etag`.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        call(self._stream, key, target, {"IfMatch": etag} if etag else {})
        return target

    def _stream(self, key: str, target: Path, condition: dict[str, str]) -> None:
        body = self.client.get_object(Bucket=self.name, Key=key, **condition)["Body"]  # type: ignore[arg-type]
        with body, target.open("wb") as out:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                out.write(chunk)

    def upload(self, path: Path, key: str, content_type: str = CSV) -> None:
        """Large files go in parts."""
        arguments = {"ContentType": content_type}
        call(self.client.upload_file, str(path), self.name, key, ExtraArgs=arguments)
