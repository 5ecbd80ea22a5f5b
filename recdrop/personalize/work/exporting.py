"""Export jobs: a dataset as CSV files below the destination, bulk and streamed rows apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recdrop.personalize.data.tables import literal, open_tables
from recdrop.personalize.work.objects import Objects

PARTS = {"BULK": ("bulk",), "PUT": ("put",), "ALL": ("bulk", "put")}


def export_dataset(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Files `<destination><job name>/<part>/data.csv`; a part without rows has only its header."""
    objects = Objects(spec, spec.get("role"))
    rows = 0
    for part in PARTS[spec["mode"]]:
        file = folder / f"{part}.csv"
        with open_tables(Path(spec["root"]), Path(spec["database"]), spec["snapshot"]) as tables:
            tables.create(spec["dataset_type"], bulk=part == "bulk", streamed=part == "put")
            rows += tables.number(f"SELECT count(*) FROM {spec['dataset_type']}")
            options = "FORMAT csv, HEADER true, QUOTE '\"', ESCAPE '\\'"
            tables.run(f"COPY {spec['dataset_type']} TO {literal(str(file))} ({options})")
        objects.upload(file, f"{spec['destination']}{spec['name']}/{part}/data.csv")
    return {"rows": rows}
