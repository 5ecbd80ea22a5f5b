"""Redshift: `UNLOAD ... MANIFEST` writes `<prefix>manifest` into the dataset's own folder.

It says {"entries": [{"url": "s3://...", "meta": {"content_length": 10, "record_count": 3}}]}; the
count is there with MANIFEST VERBOSE only.
"""

from __future__ import annotations

import re
from typing import Any

from chalicelib.sources.adapter import Adapter, Sign
from chalicelib.sources.habits import Habits

HABITS = Habits("redshift", manifest=re.compile(r"manifest$"))

ADAPTER = Adapter(
    "redshift",
    "Redshift's UNLOAD",
    signs=(
        Sign("called as Redshift calls its parts", re.compile(r"\d{4}_part_\d{2}(\.|$)")),
        Sign("a manifest of Redshift", re.compile(r"[^/.]manifest$", re.IGNORECASE)),
        Sign("called as UNLOAD ... PARALLEL OFF calls its file", re.compile(r"[^/.\d]000(\.gz)?$")),
    ),
)


def is_manifest(document: Any) -> bool:
    return isinstance(document, dict) and "entries" in document


def listed_files(document: dict[str, Any]) -> Any:
    """The files of a manifest as ours has them: [{"name": ..., "size": ..., "rows": ...}].

    What is no list of entries comes out as it is, for the reader to refuse.
    """
    entries = document["entries"]
    return [_listed(entry) for entry in entries] if isinstance(entries, list) else entries


def _listed(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    meta = entry.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    return {
        "name": entry.get("url"),
        "size": meta.get("content_length"),
        "rows": meta.get("record_count"),
    }
