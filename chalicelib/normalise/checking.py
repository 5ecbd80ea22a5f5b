"""The data check over all files of an export: can it train, what was found, what to do about it.

The thresholds are Personalize's own data insights and quotas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chalicelib.documents import (
    ColumnReport,
    Counted,
    DatasetSummary,
    FileReport,
    Finding,
    Kind,
    Requirement,
    SetReport,
)
from chalicelib.normalise import engine
from chalicelib.normalise.clean import clean_source
from chalicelib.normalise.columns import KEYS
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.files import NOT_BAD
from chalicelib.normalise.sampling import MIN_INTERACTIONS, MIN_SHARE_WITH_TWO, MIN_USERS_WITH_TWO

MAX_EVENT_TYPES = 10
MAX_ITEMS = 5_000_000
MAX_ITEMS_V1 = 750_000
RECOMMENDED_INTERACTIONS = 50_000
RECOMMENDED_USERS = 1_000
COMPLETE_SHARE = 0.7
MANY_CATEGORIES = 30


@dataclass(frozen=True)
class UserCounts:
    """Over all interactions of an export: users, and those with two or more interactions."""

    users: int
    with_two: int


def check_set(
    reports: Sequence[FileReport],
    *,
    mode: str = "FULL",
    has_interactions: bool = False,
    count: Callable[[], UserCounts] | None = None,
    expected_rows: Mapping[str, int] | None = None,
) -> SetReport:
    """Judge an export from the reports of its files.

    `has_interactions` is whether the group has imported interactions before (then an export of
    items alone is fine). `count` gives the exact user counts; it is called only when the files' own
    counts leave a minimum open. `expected_rows` maps a file's key to the rows its manifest states.

    :raises SetRejected: headers that differ between the files of a dataset, too few interactions or
        users, more than ten event types, one timestamp for all rows, no usable file.
    """
    if not reports:
        raise SetRejected(
            "no-files", "No file of the export can be used. The quarantine says why, file by file."
        )
    summaries = tuple(
        _summarise(dataset, [r for r in reports if r.dataset == dataset])
        for dataset in _datasets(reports)
    )
    findings = [*_row_findings(reports), *_count_findings(reports, expected_rows or {})]
    requirements: tuple[Requirement, ...] = ()
    for summary in summaries:
        findings += _column_findings(summary)
    interactions = next((s for s in summaries if s.dataset == "interactions"), None)
    if interactions is not None:
        counts = _user_counts([r for r in reports if r.dataset == "interactions"], count)
        requirements = _requirements(interactions, counts)
        _require(interactions, counts, mode)
        findings += _interaction_findings(interactions, counts)
    elif not has_interactions:
        raise SetRejected(
            "no-interactions",
            "The export has no interactions, and the group has none yet. Drop interactions first.",
        )
    return SetReport(
        verdict="yes with warnings" if any(f.severity != "info" for f in findings) else "yes",
        datasets=summaries,
        requirements=requirements,
        findings=tuple(findings),
    )


def count_users(
    paths: Sequence[Path], scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> UserCounts:
    """Exact user counts over clean interaction files (parts and sampled together)."""
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        found = connection.execute(
            f"SELECT count(*), count(*) FILTER (n > 1) FROM (SELECT USER_ID, count(*) AS n FROM {clean_source(paths)} GROUP BY USER_ID)"
        ).fetchone() or (0, 0)
    return UserCounts(int(found[0]), int(found[1]))


def check_ids(
    clean: Mapping[str, Sequence[Path]], scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> tuple[Finding, ...]:
    """Compare the ids of clean interactions with those of clean items and users; names near misses
    (case, blanks, leading zeros).
    """
    findings: list[Finding] = []
    if not clean.get("interactions"):
        return ()
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        for dataset in ("items", "users"):
            if not clean.get(dataset):
                continue
            key = KEYS[dataset]
            connection.execute(
                f"CREATE OR REPLACE TABLE seen AS SELECT {key} AS id, count(*) AS n FROM {clean_source(clean['interactions'])} GROUP BY 1"
            )
            connection.execute(
                f"CREATE OR REPLACE TABLE known AS SELECT DISTINCT {key} AS id FROM {clean_source(clean[dataset])}"
            )
            findings += _id_findings(connection, dataset, key)
    return tuple(findings)


def merge_columns(reports: Sequence[FileReport]) -> tuple[ColumnReport, ...]:
    """The columns of all files of one dataset; a kind that differs between files becomes the wider
    one.
    """
    merged: dict[str, ColumnReport] = {}
    for report in reports:
        for column in report.columns:
            merged[column.name] = (
                _merge(merged[column.name], column) if column.name in merged else column
            )
    return tuple(merged.values())


def _datasets(reports: Sequence[FileReport]) -> list[str]:
    return sorted({report.dataset for report in reports})


def _summarise(dataset: str, reports: Sequence[FileReport]) -> DatasetSummary:
    _check_headers(dataset, reports)
    events: dict[str, int] = {}
    for report in reports:
        for event, rows in report.event_types.items():
            events[event] = events.get(event, 0) + rows
    firsts = [r.first_timestamp for r in reports if r.first_timestamp is not None]
    lasts = [r.last_timestamp for r in reports if r.last_timestamp is not None]
    return DatasetSummary(
        dataset=dataset,
        files=len(reports),
        rows=sum(r.rows for r in reports),
        kept=sum(r.kept for r in reports),
        columns=merge_columns(reports),
        event_types=dict(sorted(events.items(), key=lambda e: (-e[1], e[0]))),
        first_timestamp=min(firsts, default=None),
        last_timestamp=max(lasts, default=None),
    )


def _check_headers(dataset: str, reports: Sequence[FileReport]) -> None:
    first = reports[0]
    for report in reports[1:]:
        if set(report.clean_header) != set(first.clean_header):
            only = sorted(set(first.clean_header) ^ set(report.clean_header))
            raise SetRejected(
                "headers-differ",
                f"The {dataset} files have different columns: {report.key!r} and {first.key!r} differ in {', '.join(only)}. "
                "Expected the same header in every file.",
            )


def _user_counts(
    reports: Sequence[FileReport], count: Callable[[], UserCounts] | None
) -> UserCounts:
    """One file's counts are exact.

    Of several, the sums bound the users from above and the largest bounds the pairs from below.
    """
    if len(reports) == 1:
        return UserCounts(reports[0].users, reports[0].users_with_two)
    bound = UserCounts(sum(r.users for r in reports), max(r.users_with_two for r in reports))
    if bound.with_two >= max(MIN_USERS_WITH_TWO, MIN_SHARE_WITH_TWO * bound.users) or count is None:
        return bound
    return count()


def _requirements(interactions: DatasetSummary, counts: UserCounts) -> tuple[Requirement, ...]:
    return (
        Requirement("interactions", interactions.kept, MIN_INTERACTIONS, RECOMMENDED_INTERACTIONS),
        Requirement(
            "users with two or more interactions",
            counts.with_two,
            MIN_USERS_WITH_TWO,
            RECOMMENDED_USERS,
        ),
    )


def _require(interactions: DatasetSummary, counts: UserCounts, mode: str) -> None:
    if interactions.kept < MIN_INTERACTIONS:
        raise SetRejected(
            "too-few-interactions",
            f"The export has {interactions.kept:,} usable interactions. Expected at least {MIN_INTERACTIONS:,}: "
            "Personalize neither imports nor trains with fewer. Drop more, or send them as events (POST /events).",
        )
    if len(interactions.event_types) > MAX_EVENT_TYPES:
        shown = ", ".join(list(interactions.event_types)[:MAX_EVENT_TYPES])
        raise SetRejected(
            "too-many-event-types",
            f"The interactions have more than {MAX_EVENT_TYPES} event types ({shown}, ...). "
            "Expected at most ten: keep the ones that count with `events` of a [[dataset]] in recdrop.toml.",
        )
    if mode == "INCREMENTAL":
        return
    if counts.with_two < MIN_USERS_WITH_TWO:
        raise SetRejected(
            "too-few-users",
            f"{counts.with_two:,} users have two or more interactions. Expected at least {MIN_USERS_WITH_TWO}: "
            "Personalize does not train with fewer.",
        )
    if counts.with_two < MIN_SHARE_WITH_TWO * counts.users:
        raise SetRejected(
            "too-few-repeat-users",
            f"{counts.with_two:,} of {counts.users:,} users have two or more interactions. Expected at least 1 %.",
        )
    if interactions.first_timestamp == interactions.last_timestamp:
        raise SetRejected(
            "one-timestamp",
            f"All interactions have the TIMESTAMP {interactions.first_timestamp}. Expected the time of each interaction.",
        )


def _row_findings(reports: Sequence[FileReport]) -> list[Finding]:
    """Drops and fixes of all files of a dataset, by kind, with up to three places."""
    findings = []
    for dataset in _datasets(reports):
        mine = [r for r in reports if r.dataset == dataset]
        rows = sum(r.rows for r in mine)
        findings += _counted(
            dataset,
            [(r, c) for r in mine for c in r.dropped],
            rows,
            "warning",
            "rows were dropped",
            "dropped: they",
        )
        findings += _counted(
            dataset,
            [(r, c) for r in mine for c in r.fixed],
            rows,
            "info",
            "values were repaired",
            "repaired:",
        )
    return findings


def _counted(
    dataset: str,
    pairs: Sequence[tuple[FileReport, Counted]],
    rows: int,
    severity: str,
    action: str,
    verb: str,
) -> list[Finding]:
    grouped: dict[tuple[str, str], list[tuple[FileReport, Counted]]] = {}
    for report, counted in pairs:
        grouped.setdefault((counted.code, counted.sentence), []).append((report, counted))
    findings = []
    for (code, sentence), found in grouped.items():
        total = sum(counted.rows for _, counted in found)
        places = [f"{report.key}:{line}" for report, counted in found for line in counted.lines][:3]
        findings.append(
            Finding(
                "warning" if severity == "warning" and code not in NOT_BAD else "info",
                code,
                f"{total:,} rows of {dataset} {verb} {sentence}".replace(
                    "rows of", "row of" if total == 1 else "rows of"
                ),
                total,
                round(total / max(rows, 1), 6),
                action,
                tuple(places),
            )
        )
    return findings


def _count_findings(reports: Sequence[FileReport], expected: Mapping[str, int]) -> list[Finding]:
    return [
        Finding(
            "warning",
            "row-count",
            f"{report.key} has {report.rows:,} rows; the manifest says {expected[report.key]:,}",
            abs(report.rows - expected[report.key]),
            action="check the export: a file may have been written twice or cut",
        )
        for report in reports
        if report.key in expected and expected[report.key] != report.rows
    ]


def _column_findings(summary: DatasetSummary) -> list[Finding]:
    findings = []
    for column in summary.columns:
        share = column.filled / max(summary.kept, 1)
        where = f"{column.name} of {summary.dataset}"
        missing = summary.kept - column.filled
        if share < COMPLETE_SHARE:
            findings.append(
                Finding(
                    "warning",
                    "incomplete",
                    f"{where} has a value in {share:.0%} of the rows",
                    missing,
                    round(1 - share, 6),
                    "fill it, or drop the column",
                )
            )
        if (
            column.kind == "text"
            and column.name != "EVENT_TYPE"
            and MANY_CATEGORIES < column.distinct <= 0.5 * column.filled
            and not column.multi_valued
        ):
            findings.append(
                Finding(
                    "info",
                    "many-categories",
                    f"{where} has about {column.distinct:,} different values",
                    column.distinct,
                    action="fewer, broader categories teach more",
                )
            )
    return findings


def _interaction_findings(interactions: DatasetSummary, counts: UserCounts) -> list[Finding]:
    findings = []
    if interactions.kept < RECOMMENDED_INTERACTIONS:
        findings.append(
            Finding(
                "info",
                "few-interactions",
                f"{interactions.kept:,} interactions can train; {RECOMMENDED_INTERACTIONS:,} or more are recommended",
                interactions.kept,
            )
        )
    if counts.with_two < RECOMMENDED_USERS:
        findings.append(
            Finding(
                "info",
                "few-users",
                f"{counts.with_two:,} users have two or more interactions; {RECOMMENDED_USERS:,} are recommended",
                counts.with_two,
            )
        )
    items = next((c.distinct for c in interactions.columns if c.name == "ITEM_ID"), 0)
    if items > MAX_ITEMS:
        findings.append(
            Finding(
                "warning",
                "many-items",
                f"about {items:,} items; Personalize considers {MAX_ITEMS:,}",
                items,
            )
        )
    elif items > MAX_ITEMS_V1:
        findings.append(
            Finding(
                "warning",
                "many-items",
                f"about {items:,} items; recipes before v2 consider {MAX_ITEMS_V1:,}",
                items,
            )
        )
    return findings


def _id_findings(connection: object, dataset: str, key: str) -> list[Finding]:
    from duckdb import DuckDBPyConnection

    assert isinstance(connection, DuckDBPyConnection)  # noqa: S101
    rows, unknown, unknown_rows = connection.execute(
        "SELECT coalesce(sum(n), 0), count(*) FILTER (id NOT IN (SELECT id FROM known)), "
        "coalesce(sum(n) FILTER (id NOT IN (SELECT id FROM known)), 0) FROM seen"
    ).fetchone() or (0, 0, 0)
    idle, total = connection.execute(
        "SELECT count(*) FILTER (id NOT IN (SELECT id FROM seen)), count(*) FROM known"
    ).fetchone() or (0, 0)
    findings = []
    if unknown:
        near = connection.execute(
            "SELECT s.id, k.id FROM seen s JOIN known k ON ltrim(lower(trim(s.id)), '0') = ltrim(lower(trim(k.id)), '0') "
            "WHERE s.id NOT IN (SELECT id FROM known) ORDER BY s.n DESC, s.id LIMIT 3"
        ).fetchall()
        samples = [f"{seen!r} is like {known!r}" for seen, known in near]
        if not samples:
            samples = [
                repr(row[0])
                for row in connection.execute(
                    "SELECT id FROM seen WHERE id NOT IN (SELECT id FROM known) ORDER BY n DESC, id LIMIT 3"
                ).fetchall()
            ]
        findings.append(
            Finding(
                "warning",
                f"unknown-{dataset}",
                f"{unknown:,} {key} of {int(unknown_rows):,} interactions are not in {dataset}",
                int(unknown_rows),
                round(int(unknown_rows) / max(int(rows), 1), 6),
                "write the ids the same way in both exports"
                if near
                else f"export these {dataset} too",
                tuple(samples),
            )
        )
    if idle:
        findings.append(
            Finding(
                "info",
                f"idle-{dataset}",
                f"{idle:,} of {total:,} {dataset} have no interaction",
                idle,
                round(idle / max(total, 1), 6),
            )
        )
    return findings


_WIDTH: Mapping[Kind, int] = {
    "empty": 0,
    "boolean": 1,
    "integer": 2,
    "timestamp": 2,
    "number": 3,
    "text": 4,
    "id": 5,
}


def _merge(left: ColumnReport, right: ColumnReport) -> ColumnReport:
    filled = left.filled + right.filled
    mean = (
        (left.mean_length * left.filled + right.mean_length * right.filled) / filled
        if filled
        else 0.0
    )
    top: dict[str, int] = {}
    for value, rows in (*left.top, *right.top):
        top[value] = top.get(value, 0) + rows
    lows = [v for v in (left.minimum, right.minimum) if v is not None]
    highs = [v for v in (left.maximum, right.maximum) if v is not None]
    kind = max(left.kind, right.kind, key=lambda k: _WIDTH[k])
    return msgspec.structs.replace(
        left,
        kind=kind,
        filled=filled,
        distinct=max(left.distinct, right.distinct),
        max_length=max(left.max_length, right.max_length),
        mean_length=round(mean, 2),
        multi_valued=left.multi_valued + right.multi_valued,
        minimum=min(lows, default=None),
        maximum=max(highs, default=None),
        top=tuple(sorted(top.items(), key=lambda e: (-e[1], e[0]))),
    )
