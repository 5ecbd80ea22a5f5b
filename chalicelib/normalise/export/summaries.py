"""All files of one dataset as one: their rows and columns together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from chalicelib.documents import ColumnReport, DatasetSummary, FileReport, Kind
from chalicelib.normalise.errors import SetRejected

# A kind that differs between files becomes the wider one: its values include the other's.
_WIDTH: Mapping[Kind, int] = {
    "empty": 0,
    "boolean": 1,
    "integer": 2,
    "timestamp": 2,
    "number": 3,
    "text": 4,
    "id": 5,
}


def summarise(dataset: str, reports: Sequence[FileReport]) -> DatasetSummary:
    """`reports` are of the files of `dataset`, at least one.

    Raises:
        SetRejected: their headers differ.
    """
    _check_headers(dataset, reports)
    events = Counter[str]()
    for report in reports:
        events.update(report.event_types)
    firsts = [r.first_timestamp for r in reports if r.first_timestamp is not None]
    lasts = [r.last_timestamp for r in reports if r.last_timestamp is not None]
    return DatasetSummary(
        dataset=dataset,
        files=len(reports),
        rows=sum(r.rows for r in reports),
        kept=sum(r.kept for r in reports),
        columns=merge_columns(reports),
        event_types=dict(_most_first(events)),
        first_timestamp=min(firsts, default=None),
        last_timestamp=max(lasts, default=None),
    )


def merge_columns(reports: Sequence[FileReport]) -> tuple[ColumnReport, ...]:
    """The columns of all files of one dataset, by name, in the order of the first file."""
    merged: dict[str, ColumnReport] = {}
    for report in reports:
        for column in report.columns:
            known = merged.get(column.name)
            merged[column.name] = _merge(known, column) if known else column
    return tuple(merged.values())


def _check_headers(dataset: str, reports: Sequence[FileReport]) -> None:
    first = reports[0]
    for report in reports[1:]:
        only = sorted(set(first.clean_header) ^ set(report.clean_header))
        if only:
            raise SetRejected(
                "headers-differ",
                f"The {dataset} files have different columns: {report.key!r} and {first.key!r} "
                f"differ in {', '.join(only)}. Expected the same header in every file.",
            )


def _merge(left: ColumnReport, right: ColumnReport) -> ColumnReport:
    filled = left.filled + right.filled
    characters = left.mean_length * left.filled + right.mean_length * right.filled
    top = Counter[str]()
    for value, rows in (*left.top, *right.top):
        top[value] += rows
    lows = [v for v in (left.minimum, right.minimum) if v is not None]
    highs = [v for v in (left.maximum, right.maximum) if v is not None]
    return msgspec.structs.replace(
        left,
        kind=max(left.kind, right.kind, key=lambda kind: _WIDTH[kind]),
        filled=filled,
        # The values of two files may be the same ones: the larger estimate is a lower bound.
        distinct=max(left.distinct, right.distinct),
        max_length=max(left.max_length, right.max_length),
        mean_length=round(characters / filled, 2) if filled else 0.0,
        multi_valued=left.multi_valued + right.multi_valued,
        too_long=left.too_long + right.too_long,
        minimum=min(lows, default=None),
        maximum=max(highs, default=None),
        top=_most_first(top),
    )


def _most_first(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """(value, rows), most rows first, ties by value."""
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
