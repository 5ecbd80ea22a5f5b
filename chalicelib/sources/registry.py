"""All the tools whose habits we know, asked together. A new tool is a module and a row here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chalicelib.sources import databricks, hadoop, redshift, snowflake, snowplow
from chalicelib.sources.habits import Habits

TOOLS: tuple[Habits, ...] = (
    hadoop.HABITS,
    databricks.HABITS,
    snowflake.HABITS,
    snowplow.HABITS,
    redshift.HABITS,
)


def is_marker(name: str) -> bool:
    return any(name in tool.markers for tool in TOOLS)


def committed(name: str) -> str | None:
    """The transaction that a commit file ends; None of any other file."""
    return _first(name, (tool.commit for tool in TOOLS))


def started(name: str) -> str | None:
    """The transaction that a file says has begun; None of any other file."""
    return _first(name, (tool.started for tool in TOOLS))


def is_manifest(name: str) -> bool:
    """Upper and lower case are the same: prefixes are written by people."""
    return any(tool.manifest.search(name.lower()) for tool in TOOLS)


def noise(name: str) -> str | None:
    """What a file without rows is, as "a checksum file"; None for any other."""
    habits = (habit for tool in TOOLS for habit in tool.noise)
    return next((what for pattern, what in habits if pattern.search(name)), None)


def unload_id(path: str) -> str | None:
    """Which unload wrote the file at `path` (below its dataset's folder), where the name says so."""
    return _first(path, (tool.unload for tool in TOOLS))


def original_of(key: str) -> str | None:
    """The key of the file that this one repeats in another format, should there be one."""
    endings = (pair for tool in TOOLS for pair in tool.twins)
    return next(
        (key.removesuffix(copy) + kept for kept, copy in endings if key.endswith(copy)), None
    )


def _first(text: str, patterns: Iterable[re.Pattern[str]]) -> str | None:
    """The first group of the first pattern that is found."""
    found = (pattern.search(text) for pattern in patterns)
    return next((match[1] for match in found if match), None)
