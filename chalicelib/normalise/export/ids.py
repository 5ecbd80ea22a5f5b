"""Ids across the clean files of an export, compared exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.documents import Finding
from chalicelib.normalise import engine
from chalicelib.normalise.engine import fetch_row, name
from chalicelib.normalise.rows.clean import clean_source, read_header
from chalicelib.vocabulary.datasets import DATASETS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SAMPLES = 3
_UNKNOWN = "id NOT IN (SELECT id FROM known)"


def check_ids(
    clean: Mapping[str, Sequence[Path]], scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> tuple[Finding, ...]:
    """Compare the ids of clean interactions with those of clean items and users, and files with
    each other.

    `clean` maps a dataset to its files. Near misses (case, blanks, leading zeros) are named.
    """
    findings: list[Finding] = []
    interactions = clean.get("interactions")
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        for dataset, files in clean.items():
            if len(files) > 1:
                findings += _repeated(connection, dataset, files)
        if not interactions:
            return tuple(findings)
        for dataset in ("items", "users"):
            key, paths = DATASETS[dataset].key, clean.get(dataset)
            if key and paths:
                _load(connection, key, interactions, paths)
                findings += [
                    *_unknown_ids(connection, dataset, key),
                    *_idle_ids(connection, dataset),
                ]
    return tuple(findings)


def _repeated(connection: DuckDBPyConnection, dataset: str, paths: Sequence[Path]) -> list[Finding]:
    """Rows that are in several files; within one the row rules have dropped what is there twice."""
    key = DATASETS[dataset].key
    columns = [key] if key else list(dict.fromkeys(c for path in paths for c in read_header(path)))
    cells = ", ".join(map(name, columns))
    (rows,) = fetch_row(
        connection,
        f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT hash({cells}) AS h, count(*) AS n "
        f"FROM {clean_source(paths, filename=True)} GROUP BY 1 HAVING count(DISTINCT filename) > 1)",
    )
    if not rows:
        return []
    if key:
        told = (
            f"{_rows(rows)} of {dataset} with the {key} of a row in another file; the last is kept"
        )
        return [Finding("info", "duplicate-across", told, int(rows))]
    told = f"{_rows(rows)} of {dataset} that are exact copies of a row in another file"
    action = "look whether a file was exported twice: all copies are imported"
    return [Finding("warning", "duplicate-across", told, int(rows), action=action)]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{int(count):,} rows"


def _load(
    connection: DuckDBPyConnection, key: str, interactions: Sequence[Path], paths: Sequence[Path]
) -> None:
    """Tables `seen` (ids of interactions, and how many n) and `known` (ids of the dataset)."""
    connection.execute(
        "CREATE OR REPLACE TABLE seen AS "
        f"SELECT {name(key)} AS id, count(*) AS n FROM {clean_source(interactions)} GROUP BY 1"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE known AS "
        f"SELECT DISTINCT {name(key)} AS id FROM {clean_source(paths)}"
    )


def _unknown_ids(connection: DuckDBPyConnection, dataset: str, key: str) -> list[Finding]:
    total, unknown, rows = fetch_row(
        connection,
        f"SELECT coalesce(sum(n), 0), count(*) FILTER ({_UNKNOWN}), "
        f"coalesce(sum(n) FILTER ({_UNKNOWN}), 0) FROM seen",
    )
    if not unknown:
        return []
    near = _near_misses(connection)
    return [
        Finding(
            "warning",
            f"unknown-{dataset}",
            f"{unknown:,} {key} of {int(rows):,} interactions are not in {dataset}",
            int(rows),
            round(int(rows) / max(int(total), 1), 6),
            "write the ids the same way in both exports" if near else f"export these {dataset} too",
            tuple(near or _examples(connection)),
        )
    ]


def _near_misses(connection: DuckDBPyConnection) -> list[str]:
    """Ids that would be known but for case, blanks or leading zeros; the busiest first."""
    bare = "ltrim(lower(trim({0}.id)), '0')"
    found = connection.execute(
        "SELECT seen.id, known.id FROM seen "
        f"JOIN known ON {bare.format('seen')} = {bare.format('known')} "
        f"WHERE seen.{_UNKNOWN} ORDER BY seen.n DESC, seen.id LIMIT {_SAMPLES}"
    ).fetchall()
    return [f"{seen!r} is like {known!r}" for seen, known in found]


def _examples(connection: DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        f"SELECT id FROM seen WHERE {_UNKNOWN} ORDER BY n DESC, id LIMIT {_SAMPLES}"
    ).fetchall()
    return [repr(row[0]) for row in found]


def _idle_ids(connection: DuckDBPyConnection, dataset: str) -> list[Finding]:
    idle, total = fetch_row(
        connection,
        "SELECT count(*) FILTER (id NOT IN (SELECT id FROM seen)), count(*) FROM known",
    )
    if not idle:
        return []
    return [
        Finding(
            "info",
            f"idle-{dataset}",
            f"{idle:,} of {total:,} {dataset} have no interaction",
            idle,
            round(idle / max(total, 1), 6),
        )
    ]
