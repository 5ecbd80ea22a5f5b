"""Databricks: its transactional commits write `_started_<id>`, the parts, and `_committed_<id>`.

A part is called `part-00000-tid-<transaction>-<uuid>-<task>-c000.csv`. A folder keeps the parts of
earlier transactions until it is vacuumed: what counts is what the newest commit added.
"""

from __future__ import annotations

import re
from typing import Any

from chalicelib.sources.adapter import Adapter, Sign
from chalicelib.sources.habits import Habits

HABITS = Habits(
    "databricks",
    commit=re.compile(r"^_committed_(\d+)$"),
    started=re.compile(r"^_started_(\d+)$"),
    # `_committed_vacuum<id>` is no commit: it has added nothing.
    noise=((re.compile(r"^_(committed|started)_"), "a transaction marker of Databricks"),),
    unload=re.compile(r"tid-(\d+)-"),
)

ADAPTER = Adapter(
    "databricks",
    "Databricks",
    signs=(
        Sign("a transaction marker of Databricks", re.compile(r"(^|/)_(committed|started)_\d+$")),
        Sign("called as Databricks calls its parts", re.compile(r"(^|/)part-\d{5}-tid-\d+-")),
    ),
    complete="marker",
)


def added_files(commit: dict[str, Any]) -> Any:
    """What should be a list of file names, beside the commit, that its transaction added."""
    return commit.get("added")


def age(commit_key: str) -> tuple[int, str]:
    """Orders commits of one folder, oldest first: their ids are numbers that grow."""
    return len(commit_key), commit_key
