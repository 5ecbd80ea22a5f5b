"""The import job: CSV files from S3, checked by the service's rules, kept as one Parquet file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recdrop.personalize.data.csvrules import CsvError, check_csv
from recdrop.personalize.data.history import write_history
from recdrop.personalize.data.schemas import parse_schema
from recdrop.personalize.data.tables import STREAM_OF, open_tables
from recdrop.personalize.work.attribution import publish_report
from recdrop.personalize.work.objects import Objects
from recdrop.service.errors import JobFailed


def import_dataset(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    schema = parse_schema(spec["schema"], domain=spec["domain"])
    files = Objects(spec, spec.get("role")).fetch(spec["location"], folder / "csv")
    _check_size(files, spec["maximum_bytes"])
    try:
        accepted = check_csv(
            files,
            schema,
            folder / "data.parquet",
            min_interactions=spec["minimum_rows"],
            strict=spec["strict"],
        )
    except CsvError as error:
        raise JobFailed(str(error)) from error
    # The Parquet file has it all, and job folders stay as long as their dataset.
    shutil.rmtree(folder / "csv")
    new = f"jobs/{folder.name}/data.parquet"
    result: dict[str, Any] = {"file": new, "rows": accepted.rows, "warnings": accepted.warnings}
    if spec["dataset_type"] in STREAM_OF:
        write_index(spec, spec["dataset_type"], [*spec["earlier"], new], folder / "history")
        result["index"] = f"jobs/{folder.name}/history"
    if spec.get("attribution"):
        publish_report(spec, new, folder)
    return result


def _check_size(files: Sequence[Path], most: int) -> None:
    size = sum(file.stat().st_size for file in files)
    if size > most:
        raise JobFailed(f"The import has {size:,} bytes. Expected at most {most:,} in this mode.")


def write_index(spec: Mapping[str, Any], kind: str, files: list[str], destination: Path) -> None:
    dataset = {"schema": spec["schema"], "domain": spec["domain"], "files": files}
    taken = {"group": "", "datasets": {kind: dataset}, "events_upto": 0, "records_upto": 0}
    with open_tables(Path(spec["root"]), Path(spec["database"]), taken) as tables:
        tables.create(kind, streamed=False)
        write_history(tables, kind, destination)
