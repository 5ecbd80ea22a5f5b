"""Lists of files that tools write beside an export, last.

Ours is {"version": 1, "mode": "FULL", "datasets": {"INTERACTIONS": [{"name": ..., "size": ...,
"rows": ...}]}}. A file's name is `s3://bucket/key`, or relative to the manifest's folder, or relative
to the bucket when it begins with the group.

ManifestError   the only error: names the manifest, the value and what was expected
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from chalicelib.documents import Mode
from chalicelib.errors import MAX_SHOWN, RecdropError, shown
from chalicelib.intake import keys
from chalicelib.intake.keys import Arrival, Mapped
from chalicelib.sources import redshift, snowflake
from chalicelib.vocabulary.datasets import DATASETS

MODES: tuple[Mode, ...] = get_args(Mode)
MAX_BYTES = 2**63 - 1  # of a file, or rows: what is stored as a number


class ManifestError(RecdropError):
    """The manifest or commit file `key` cannot be used."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class ManifestFile:
    """One listed file. `size` (bytes) and `rows` are None where the manifest does not say."""

    key: str
    size: int | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """One export: its files by dataset. `arrived` is epoch seconds.

    A dataset with no file had no rows. Without a mode, the config's holds.
    """

    key: str
    datasets: Mapping[str, tuple[ManifestFile, ...]]
    mode: Mode | None = None
    arrived: float = 0.0

    @property
    def files(self) -> list[ManifestFile]:
        return [file for files in self.datasets.values() for file in files]


def read_manifest(arrival: Arrival, body: bytes, bucket: str, mapped: Mapped) -> Manifest:
    """The manifest that arrived in `bucket` with the text `body`.

    Raises:
        ManifestError: it is no manifest, or lists a file outside its group.
    """
    reader = Reader(arrival.key, bucket)
    rows = reader.rows(body)
    document = rows[0] if len(rows) == 1 else {}
    mode = None
    if snowflake.is_detailed_output(rows):
        datasets = reader.of_folder(arrival.dataset, snowflake.listed_files(rows))
    elif redshift.is_manifest(document):
        datasets = reader.of_folder(arrival.dataset, redshift.listed_files(document))
    else:
        document = reader.one(rows)
        reader.check_version(document)
        mode = reader.mode(document.get("mode"))
        datasets = reader.datasets(document.get("datasets"), mapped)
    return Manifest(arrival.key, datasets, mode, arrival.arrived)


@dataclass(frozen=True)
class Reader:
    """Reads the parts of one manifest; every error names it."""

    key: str
    bucket: str

    def parse(self, body: bytes) -> dict[str, Any]:
        """The one object of a JSON text."""
        return self.one(self.rows(body))

    def rows(self, body: bytes) -> list[Any]:
        """The values of a JSON text: of a list its elements, of JSON lines one each.

        COPY INTO writes an object alone, but a SELECT that does not aggregate wraps it in a list.
        """
        try:
            text = body.decode("utf-8-sig")
            lines = text.split("\n")
            if len(lines) > 1 and all(line.startswith("{") for line in lines if line.strip()):
                with contextlib.suppress(ValueError):
                    return [json.loads(line) for line in lines if line.strip()]
            document = json.loads(text)
        # No JSON, or no UTF-8; a number of 5,000 digits; thousands of brackets within each other.
        except (ValueError, RecursionError) as error:
            raise ManifestError(self.key, f"Manifest {self.key!r} is not JSON: {error}.") from error
        return document if isinstance(document, list) else [document]

    def one(self, rows: list[Any]) -> dict[str, Any]:
        if len(rows) == 1 and isinstance(rows[0], dict):
            return rows[0]
        kind = type(rows[0]).__name__ if len(rows) == 1 else f"list of {len(rows)}"
        raise ManifestError(
            self.key, f"Manifest {self.key!r} is a JSON {kind}. Expected an object."
        )

    def check_version(self, document: dict[str, Any]) -> None:
        if document.get("version", 1) != 1:
            raise self.wrong("version", document["version"], "1")

    def mode(self, value: Any) -> Mode | None:
        if value is None:
            return None
        for mode in MODES:
            if shown(value).strip("'").upper() == mode:
                return mode
        raise self.wrong("mode", value, f"one of: {', '.join(MODES)}")

    def datasets(self, value: Any, mapped: Mapped) -> dict[str, tuple[ManifestFile, ...]]:
        if not isinstance(value, dict) or not value:
            example = '{"INTERACTIONS": [{"name": ..., "size": ..., "rows": ...}]}'
            raise self.wrong("datasets", value, f"an object such as {example}")
        found: dict[str, tuple[ManifestFile, ...]] = {}
        for name, files in value.items():
            dataset = keys.dataset_named(name, mapped)
            if dataset is None:
                raise self.wrong("datasets", name, f"one of: {', '.join(DATASETS)}")
            # Two sections may stand for one dataset: two folders that the config maps to it.
            found[dataset] = found.get(dataset, ()) + self.files(f"datasets.{name}", files)
        return found

    def of_folder(self, dataset: str | None, files: Any) -> dict[str, tuple[ManifestFile, ...]]:
        """The files of a tool that names no dataset: they are of the folder that the list lies in."""
        if dataset is None:
            known = ", ".join(DATASETS)
            raise ManifestError(
                self.key,
                f"Manifest {self.key!r} lies in no dataset folder. Expected one of: {known}.",
            )
        return {dataset: self.files("entries", files)}

    def files(self, where: str, value: Any) -> tuple[ManifestFile, ...]:
        if not isinstance(value, list):
            raise self.wrong(where, value, "a list of files")
        return tuple(self.file(f"{where}[{index}]", file) for index, file in enumerate(value))

    def file(self, where: str, value: Any) -> ManifestFile:
        file = {"name": value} if isinstance(value, str) else value
        if not isinstance(file, dict) or not isinstance(file.get("name"), str) or not file["name"]:
            expected = 'an object with "name", and "size" and "rows" where known'
            raise self.wrong(where, file, expected)
        return ManifestFile(
            self.listed_key(where, file["name"]),
            self.number(f"{where}.size", file.get("size")),
            self.number(f"{where}.rows", file.get("rows")),
        )

    def number(self, where: str, value: Any) -> int | None:
        if value is None:
            return None
        # Snowflake's OBJECT_CONSTRUCT may keep numbers as text.
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_BYTES:
            return value
        raise self.wrong(where, value, "a whole number of at least 0")

    def listed_key(self, where: str, name: str) -> str:
        """The key of a file that is listed as `name`. It must lie in the manifest's own group."""
        group = keys.group_of(self.key)
        key = self.within_bucket(where, name)
        is_inside = ".." not in key.split("/") and keys.group_of(key) == group
        if not is_inside or not keys.can_be(key):
            raise self.wrong(f"{where}.name", name, f"a file of group {group!r}")
        return key

    def within_bucket(self, where: str, name: str) -> str:
        if name.startswith(("s3://", "s3a://", "s3n://")):
            _, _, bucket, *key = name.split("/", 3)
            if bucket != self.bucket:
                raise self.wrong(f"{where}.name", name, f"a file of bucket {self.bucket!r}")
            return "".join(key)
        if name.startswith(f"{keys.group_of(self.key)}/"):
            return name
        return keys.directory(self.key) + name.removeprefix("./")

    def wrong(self, where: str, value: Any, expected: str) -> ManifestError:
        return ManifestError(
            self.key,
            f"Manifest {self.key!r} has {where[:MAX_SHOWN]} {shown(value)}. Expected {expected}.",
        )
