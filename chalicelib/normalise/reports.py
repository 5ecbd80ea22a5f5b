"""What was found in a file and in an export: plain structs that go to S3 as JSON and from there
into the run report.
"""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_SAMPLES = 5

Kind = Literal["id", "timestamp", "number", "integer", "boolean", "text", "empty"]


class Counted(msgspec.Struct, frozen=True):
    """One kind of drop or fix: how many rows, and the lines of the first few."""

    code: str
    sentence: str
    rows: int
    lines: tuple[int, ...] = ()


class ColumnReport(msgspec.Struct, frozen=True):
    """One column of the clean file.

    `filled` counts rows with a value; `distinct` is an estimate, 0 for times; lengths are
    characters.
    """

    name: str
    source: str
    kind: Kind
    filled: int
    distinct: int
    max_length: int = 0
    mean_length: float = 0.0
    multi_valued: int = 0
    minimum: float | None = None
    maximum: float | None = None
    top: tuple[tuple[str, int], ...] = ()


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one file.

    Counts are rows and always exact; `sampled` of the kept rows went to the sampled file.
    """

    dataset: str
    key: str
    source_bytes: int
    sha256: str
    format: Literal["csv", "json", "parquet"]
    header: tuple[str, ...]
    rows: int
    kept: int
    sampled: int = 0
    fixed: tuple[Counted, ...] = ()
    dropped: tuple[Counted, ...] = ()
    notes: tuple[str, ...] = ()
    columns: tuple[ColumnReport, ...] = ()
    first_timestamp: int | None = None
    last_timestamp: int | None = None
    event_types: dict[str, int] = {}
    users: int = 0
    users_with_two: int = 0
    items: int = 0

    @property
    def clean_header(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


class Finding(msgspec.Struct, frozen=True):
    """One line of the data check: what, how many, and what to do about it."""

    severity: Literal["info", "warning", "error"]
    code: str
    sentence: str
    rows: int = 0
    share: float = 0.0
    action: str = ""
    samples: tuple[str, ...] = ()


class Requirement(msgspec.Struct, frozen=True):
    """The requirements meter: have, must have, should have."""

    name: str
    have: int
    minimum: int
    recommended: int


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """All files of one dataset together; `columns` merges the files' columns."""

    dataset: str
    files: int
    rows: int
    kept: int
    columns: tuple[ColumnReport, ...]
    event_types: dict[str, int] = {}
    first_timestamp: int | None = None
    last_timestamp: int | None = None


class SetReport(msgspec.Struct, frozen=True, kw_only=True):
    """The data check of an export: verdict, meter, findings."""

    verdict: Literal["yes", "yes with warnings", "no"]
    datasets: tuple[DatasetSummary, ...]
    requirements: tuple[Requirement, ...]
    findings: tuple[Finding, ...]

    def summary(self, dataset: str) -> DatasetSummary | None:
        return next((s for s in self.datasets if s.dataset == dataset), None)


def encode(report: msgspec.Struct) -> bytes:
    return msgspec.json.encode(report)


def decode_file_report(body: bytes) -> FileReport:
    return msgspec.json.decode(body, type=FileReport)


def decode_set_report(body: bytes) -> SetReport:
    return msgspec.json.decode(body, type=SetReport)
