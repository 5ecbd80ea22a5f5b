"""Delta Lake: Parquet files, and beside them the log `_delta_log` that says which of them count."""

from __future__ import annotations

import json
import re
import urllib.parse

from chalicelib.sources.adapter import Adapter, Sign

LOG = "_delta_log"
_ENTRY = re.compile(rf"^(.*/|){LOG}/(\d{{20}})\.json$")
ADAPTER = Adapter(
    "delta",
    "Delta Lake",
    signs=(Sign("the log of a Delta table", re.compile(rf"(^|/){LOG}/\d{{20}}\.json$")),),
)


def is_log(key: str) -> bool:
    """Whether it is an entry of a table's log."""
    return _ENTRY.search(key) is not None


def table(key: str) -> str:
    """The folder of the table whose log the entry belongs to."""
    return key[: key.rindex(f"{LOG}/")]


def version(key: str) -> int:
    """Which version of the table an entry makes; the first is 0."""
    return int(key[key.rindex("/") + 1 :].removesuffix(".json"))


def changes(body: bytes) -> tuple[list[str], list[str]]:
    """The files that an entry adds and removes, relative to the table.

    Raises:
        ValueError: it is not made of JSON lines.
    """
    found: dict[str, list[str]] = {"add": [], "remove": []}
    for line in body.decode().splitlines():
        action = json.loads(line) if line.strip() else {}
        for what, paths in found.items():
            if isinstance(action, dict) and isinstance(action.get(what), dict):
                # Paths are written as URLs are: "day=2026-01-01/part%20one.parquet".
                paths.append(urllib.parse.unquote(str(action[what].get("path", ""))))
    return found["add"], found["remove"]
