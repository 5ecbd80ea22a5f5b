"""All the tools whose habits we know, asked together. A new tool is a module and a row here."""

from __future__ import annotations

from chalicelib.sources import databricks, hadoop, redshift, snowflake, snowplow
from chalicelib.sources.source import Source

SOURCES: tuple[Source, ...] = (
    hadoop.SOURCE,
    databricks.SOURCE,
    snowflake.SOURCE,
    snowplow.SOURCE,
    redshift.SOURCE,
)


def is_marker(name: str) -> bool:
    return any(name in source.markers for source in SOURCES)


def is_commit(name: str) -> bool:
    return any(source.commit.search(name) for source in SOURCES)


def is_manifest(name: str) -> bool:
    """Upper and lower case are the same: prefixes are written by people."""
    return any(source.manifest.search(name.lower()) for source in SOURCES)


def noise(name: str) -> str | None:
    """What a file without rows is, as "a checksum file"; None for any other."""
    habits = (habit for source in SOURCES for habit in source.noise)
    return next((what for pattern, what in habits if pattern.search(name)), None)


def unload_id(path: str) -> str | None:
    """Which unload wrote the file at `path` (below its dataset's folder), where the name says so."""
    found = (source.unload.search(path) for source in SOURCES)
    return next((match[1] for match in found if match), None)


def original_of(key: str) -> str | None:
    """The key of the file that this one repeats in another format, should there be one."""
    endings = (pair for source in SOURCES for pair in source.twins)
    return next(
        (key.removesuffix(copy) + kept for kept, copy in endings if key.endswith(copy)), None
    )
