"""Manifests: the exact list of files of an export, written last. Ours, Redshift's, and Databricks'
commit files.

ManifestError   the only error: names the manifest, the value and what was expected
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalicelib.exports import keys

MODES = ("FULL", "INCREMENTAL")


class ManifestError(ValueError):
    """A manifest that cannot be used."""


@dataclass(frozen=True)
class ManifestFile:
    key: str
    size: int | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """One export: `datasets` maps a dataset to its files; `arrived` is epoch seconds.

    A dataset with no file had no rows.
    """

    key: str
    datasets: Mapping[str, tuple[ManifestFile, ...]]
    run_id: str | None = None
    query_id: str | None = None
    mode: str | None = None
    arrived: float = 0.0


def parse_manifest(
    key: str,
    body: bytes | str,
    *,
    bucket: str | None = None,
    arrived: float = 0.0,
    mapped: Mapping[str, str] | None = None,
) -> Manifest:
    """Read a manifest that was dropped as `key`.

    File names are `s3://bucket/key`, relative to the manifest's folder, or relative to the bucket
    when they begin with the group.

    :raises ManifestError: naming the value and the expectation.
    """
    raw = _json(key, body)
    if "entries" in raw:
        return _redshift(key, raw, bucket, arrived, mapped)
    if raw.get("version", 1) != 1:
        raise _wrong(key, "version", raw["version"], "1")
    mode = raw.get("mode")
    if mode is not None and str(mode).upper() not in MODES:
        raise _wrong(key, "mode", mode, f"one of: {', '.join(MODES)}")
    datasets = raw.get("datasets")
    if not isinstance(datasets, dict) or not datasets:
        raise _wrong(
            key,
            "datasets",
            datasets,
            'an object such as {"INTERACTIONS": [{"name": ..., "size": ..., "rows": ...}]}',
        )
    found: dict[str, tuple[ManifestFile, ...]] = {}
    for name, files in datasets.items():
        dataset = keys.dataset_named(name, mapped)
        if dataset is None:
            raise _wrong(key, "datasets", name, f"one of: {', '.join(keys.DATASETS)}")
        found[dataset] = found.get(dataset, ()) + _files(key, name, files, bucket)
    return Manifest(
        key,
        found,
        run_id=_text(raw.get("run_id")),
        query_id=_text(raw.get("query_id")),
        mode=str(mode).upper() if mode is not None else None,
        arrived=arrived,
    )


def parse_commit(key: str, body: bytes | str) -> tuple[str, ...]:
    """The keys that a Databricks `_committed_<id>` file adds.

    :raises ManifestError: when it has no list of added files.
    """
    raw = _json(key, body)
    added = raw.get("added")
    if not isinstance(added, list) or not all(isinstance(name, str) for name in added):
        raise _wrong(key, "added", added, "a list of file names")
    return tuple(_folder(key) + name for name in added)


def _json(key: str, body: bytes | str) -> dict[str, Any]:
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        raw = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ManifestError(f"Manifest {key!r} is not JSON: {error}.") from error
    # COPY INTO writes the object alone, but a SELECT that is not aggregated may wrap it in a list.
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if not isinstance(raw, dict):
        raise ManifestError(f"Manifest {key!r} is a JSON {type(raw).__name__}. Expected an object.")
    return raw


def _files(key: str, dataset: str, files: Any, bucket: str | None) -> tuple[ManifestFile, ...]:
    if not isinstance(files, list):
        raise _wrong(key, f"datasets.{dataset}", files, "a list of files")
    return tuple(
        _file(key, f"datasets.{dataset}[{index}]", file, bucket) for index, file in enumerate(files)
    )


def _file(key: str, where: str, file: Any, bucket: str | None) -> ManifestFile:
    if isinstance(file, str):
        file = {"name": file}
    if not isinstance(file, dict) or not isinstance(file.get("name"), str) or not file["name"]:
        raise _wrong(key, where, file, 'an object with "name", and "size" and "rows" where known')
    return ManifestFile(
        _resolve(key, where, file["name"], bucket),
        _number(key, f"{where}.size", file.get("size")),
        _number(key, f"{where}.rows", file.get("rows")),
    )


def _number(key: str, where: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(
        r"\d{1,18}", value
    ):  # Snowflake's OBJECT_CONSTRUCT may keep numbers as text
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise _wrong(key, where, value, "a whole number of at least 0")


def _resolve(key: str, where: str, name: str, bucket: str | None) -> str:
    if name.startswith(("s3://", "s3a://", "s3n://")):
        parts = urlsplit(name, allow_fragments=False)
        if bucket is not None and parts.netloc != bucket:
            raise _wrong(key, f"{where}.name", name, f"a file of bucket {bucket!r}")
        resolved = name.split("/", 3)[3] if name.count("/") >= 3 else ""
    else:
        group = key.split("/", 1)[0]
        resolved = name if name.startswith(f"{group}/") else _folder(key) + name.removeprefix("./")
    if ".." in resolved.split("/") or resolved.split("/", 1)[0] != key.split("/", 1)[0]:
        raise _wrong(key, f"{where}.name", name, f"a file of group {key.split('/', 1)[0]!r}")
    return resolved


def _redshift(
    key: str,
    raw: dict[str, Any],
    bucket: str | None,
    arrived: float,
    mapped: Mapping[str, str] | None,
) -> Manifest:
    """`UNLOAD ...

    MANIFEST`: {"entries": [{"url": "s3://...", "meta": {"content_length": 1}}]}, in the dataset's
    own folder.
    """
    dataset = keys.parse_drop_key(key, mapped).dataset
    if dataset is None:
        raise ManifestError(
            f"Manifest {key!r} lies in no dataset folder. Expected one of: {', '.join(keys.DATASETS)}."
        )
    entries = raw["entries"]
    if not isinstance(entries, list):
        raise _wrong(key, "entries", entries, "a list of files")
    files = []
    for index, entry in enumerate(entries):
        meta = entry.get("meta") if isinstance(entry, dict) else None
        file = {
            "name": entry.get("url") if isinstance(entry, dict) else entry,
            "size": (meta or {}).get("content_length"),
            "rows": (meta or {}).get("record_count"),
        }
        files.append(_file(key, f"entries[{index}]", file, bucket))
    return Manifest(key, {dataset: tuple(files)}, arrived=arrived)


def _folder(key: str) -> str:
    return key[: key.rfind("/") + 1]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _wrong(key: str, where: str, value: Any, expected: str) -> ManifestError:
    shown = repr(value)
    return ManifestError(f"Manifest {key!r} has {where} {shown[:200]}. Expected {expected}.")
