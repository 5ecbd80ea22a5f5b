"""Shared by the tests of normalise: files to clean, and what came out."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.documents import ColumnReport, FileReport, Kind
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.files import Normalised, normalise_file

DATA = Path(__file__).parents[4] / "shared" / "data"
NOW = 1_763_000_000.0
HEADER = "USER_ID,ITEM_ID,TIMESTAMP"
ROWS = 2000  # of a made-up report


@dataclass
class Cleaned:
    normalised: Normalised

    @property
    def report(self) -> FileReport:
        return self.normalised.report

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of part and sampled file, as Python's csv module reads them."""
        paths = [
            self.normalised.part,
            *([self.normalised.sampled] if self.normalised.sampled else []),
        ]
        return [row for path in paths for row in read_rows(path)]

    @property
    def dropped(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for counted in self.report.dropped:
            found[counted.code] = found.get(counted.code, 0) + counted.rows
        return found

    @property
    def fixed(self) -> dict[str, int]:
        return {counted.code: counted.rows for counted in self.report.fixed}

    @property
    def quarantine(self) -> list[dict[str, Any]]:
        path = self.normalised.quarantine
        return [json.loads(line) for line in path.read_text().splitlines()] if path else []


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, doublequote=False, escapechar="\\", strict=True))


def clean(
    folder: Path,
    body: str | bytes,
    dataset: str = "interactions",
    rules: dict[str, Any] | None = None,
) -> Cleaned:
    """Write `body` as a file without an extension and normalise it.

    Bad rows do not count unless `rules` say so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "source"
    source.write_bytes(body if isinstance(body, bytes) else body.encode())
    settings: dict[str, Any] = {
        "columns": {},
        "max_bad_rows": 1.0,
        "withhold": 0.0,
        **(rules or {}),
    }
    return Cleaned(
        normalise_file(
            source,
            folder,
            dataset=dataset,
            key="shop/x/source",
            file_rules=FileRules(**settings),
            now=NOW,
        )
    )


def write_clean(path: Path, rows: list[tuple[Any, ...]], header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def column(
    name: str, kind: Kind = "text", filled: int = ROWS, distinct: int = 10, **more: Any
) -> ColumnReport:
    return ColumnReport(name=name, source=name, kind=kind, filled=filled, distinct=distinct, **more)


INTERACTIONS = (column("USER_ID", "id"), column("ITEM_ID", "id"), column("TIMESTAMP", "timestamp"))


def report(**changes: Any) -> FileReport:
    base = FileReport(
        dataset="interactions",
        key="shop/interactions/a.csv",
        source_bytes=1,
        sha256="",
        format="csv",
        header=(),
        rows=ROWS,
        kept=ROWS,
        columns=INTERACTIONS,
        first_timestamp=1,
        last_timestamp=9,
        users=100,
        users_with_two=90,
    )
    return msgspec.structs.replace(base, **changes)
