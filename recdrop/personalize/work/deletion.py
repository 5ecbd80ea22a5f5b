"""Data deletion jobs: users listed in CSV files leave every dataset of the group."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recdrop.personalize.data.tables import STREAM_OF, literal, open_tables
from recdrop.personalize.work.importing import write_index
from recdrop.personalize.work.objects import Objects
from recdrop.service.errors import JobFailed

HOLDING_USERS = ("INTERACTIONS", "USERS", "ACTION_INTERACTIONS")
MOST_BYTES = 100 * 1024 * 1024


def delete_users(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """New files without the users; the server puts them in place of the old ones.

    `rows` counts what left.
    """
    files = Objects(spec, spec.get("role")).fetch(spec["location"], folder / "csv")
    if sum(file.stat().st_size for file in files) > MOST_BYTES:
        raise JobFailed(f"The input has more than {MOST_BYTES:,} bytes.")
    users = sorted({user for file in files for user in _users(file)})
    changed, rows = {}, 0
    for kind in HOLDING_USERS:
        dataset = spec["snapshot"]["datasets"].get(kind)
        if dataset and dataset["files"]:
            notes, gone = _without(spec, kind, users, folder)
            changed[dataset["arn"]] = notes
            rows += gone
    return {"users": users, "datasets": changed, "rows": rows}


def _without(
    spec: Mapping[str, Any], kind: str, users: list[str], folder: Path
) -> tuple[dict[str, Any], int]:
    dataset = spec["snapshot"]["datasets"][kind]
    file = folder / f"{kind.lower()}.parquet"
    with open_tables(Path(spec["root"]), Path(spec["database"]), spec["snapshot"]) as tables:
        tables.create(kind, streamed=False)
        tables.run("CREATE TABLE leaving (id VARCHAR)")
        if users:
            tables.run("INSERT INTO leaving SELECT unnest(?)", (users,))
        gone = tables.number(
            f"SELECT count(*) FROM {kind} WHERE USER_ID IN (SELECT id FROM leaving)"
        )
        kept = f"SELECT * FROM {kind} WHERE USER_ID NOT IN (SELECT id FROM leaving)"
        tables.run(f"COPY ({kept}) TO {literal(str(file))} (FORMAT parquet)")
    # All files of the dataset become one; the old ones are swept when nobody refers to them.
    notes: dict[str, Any] = {"files": [f"jobs/{folder.name}/{file.name}"]}
    if kind in STREAM_OF:
        index = folder / f"{kind.lower()}-history"
        write_index(
            {**spec, "schema": dataset["schema"], "domain": dataset["domain"]},
            kind,
            notes["files"],
            index,
        )
        notes["index"] = f"jobs/{folder.name}/{index.name}"
    return notes, gone


def _users(file: Path) -> Iterator[str]:
    with file.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        if rows.fieldnames is None or "USER_ID" not in rows.fieldnames:
            raise JobFailed("Input CSV is missing the following columns:[USER_ID].")
        for row in rows:
            if row["USER_ID"]:
                yield row["USER_ID"]
