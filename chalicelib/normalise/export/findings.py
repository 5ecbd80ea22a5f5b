"""What is worth telling of an export that can be used: the findings of the data check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.documents import (
    ColumnReport,
    Counted,
    DatasetSummary,
    FileReport,
    Finding,
    Severity,
)
from chalicelib.normalise.export.minimums import UserCounts
from chalicelib.normalise.rows.rules import NOT_BAD
from chalicelib.vocabulary.limits import MAX_CATEGORY

MAX_ITEMS = 5_000_000
MAX_ITEMS_V1 = 750_000
RECOMMENDED_INTERACTIONS = 50_000
RECOMMENDED_USERS = 1_000
COMPLETE_SHARE = 0.7
MANY_CATEGORIES = 30
_PLACES = 3  # shown of each kind of drop or fix


# -- rows ------------------------------------------------------------------------------------------


def row_findings(dataset: str, reports: Sequence[FileReport]) -> list[Finding]:
    """Drops and fixes of all files of a dataset, by kind, with the first few places."""
    rows = sum(report.rows for report in reports)
    dropped = [(report, counted) for report in reports for counted in report.dropped]
    fixed = [(report, counted) for report in reports for counted in report.fixed]
    findings = []
    for found in _by_kind(dropped):
        code, sentence = found[0][1].code, found[0][1].sentence
        severity: Severity = "info" if code in NOT_BAD else "warning"
        told = f"{_rows_of(found, dataset)} dropped: they {sentence}"
        findings.append(_row_finding(severity, code, told, found, rows, "rows were dropped"))
    for found in _by_kind(fixed):
        code, sentence = found[0][1].code, found[0][1].sentence
        told = f"{_rows_of(found, dataset)} repaired: {sentence}"
        findings.append(_row_finding("info", code, told, found, rows, "values were repaired"))
    return findings


_Found = list[tuple[FileReport, Counted]]


def _by_kind(pairs: _Found) -> list[_Found]:
    """One list for each kind of drop or fix, in order of appearance."""
    grouped: dict[tuple[str, str], _Found] = {}
    for report, counted in pairs:
        grouped.setdefault((counted.code, counted.sentence), []).append((report, counted))
    return list(grouped.values())


def _total(found: _Found) -> int:
    return sum(counted.rows for _, counted in found)


def _rows_of(found: _Found, dataset: str) -> str:
    total = _total(found)
    return f"{total:,} {'row' if total == 1 else 'rows'} of {dataset}"


def _row_finding(
    severity: Severity, code: str, told: str, found: _Found, rows: int, action: str
) -> Finding:
    places = [f"{report.key}:{line}" for report, counted in found for line in counted.lines]
    total = _total(found)
    share = round(total / max(rows, 1), 6)
    return Finding(severity, code, told, total, share, action, tuple(places[:_PLACES]))


def count_findings(reports: Sequence[FileReport], expected: Mapping[str, int]) -> list[Finding]:
    """Files whose rows differ from what the manifest states, by key."""
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


def note_findings(dataset: str, reports: Sequence[FileReport]) -> list[Finding]:
    """How the files were read: what was decided on their bytes, dialect and times.

    [source] of the config can say all of it otherwise.
    """
    files: dict[str, list[str]] = {}
    for report in reports:
        for note in report.notes:
            files.setdefault(note, []).append(report.key)
    return [
        Finding(
            "info",
            "read-as",
            f"{dataset}: {note}" + (f" ({len(keys):,} files)" if len(keys) > 1 else ""),
        )
        for note, keys in files.items()
    ]


# -- columns ---------------------------------------------------------------------------------------


def column_findings(summary: DatasetSummary) -> list[Finding]:
    """Columns from which a model would learn little."""
    findings = []
    for column in summary.columns:
        share = column.filled / max(summary.kept, 1)
        where = f"{column.name} of {summary.dataset}"
        if share < COMPLETE_SHARE:
            findings.append(
                Finding(
                    "warning",
                    "incomplete",
                    f"{where} has a value in {share:.0%} of the rows",
                    summary.kept - column.filled,
                    round(1 - share, 6),
                    "fill it, or drop the column",
                )
            )
        if column.too_long:
            findings.append(
                Finding(
                    "warning",
                    "long-values",
                    f"{column.too_long:,} {'value' if column.too_long == 1 else 'values'} of {where} "
                    f"have more than {MAX_CATEGORY:,} characters: they are cut at a '|' or there, unless "
                    "it is the textual column",
                    column.too_long,
                    round(column.too_long / max(summary.kept, 1), 6),
                    "shorten them, or make it the textual column",
                )
            )
        if _has_many_categories(column):
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


def _has_many_categories(column: ColumnReport) -> bool:
    """Many values that nevertheless repeat. More distinct ones are no categories but texts."""
    return (
        column.kind == "text"
        and column.name != "EVENT_TYPE"
        and MANY_CATEGORIES < column.distinct <= 0.5 * column.filled
        and not column.multi_valued
    )


# -- interactions ----------------------------------------------------------------------------------


def interaction_findings(interactions: DatasetSummary, counts: UserCounts) -> list[Finding]:
    """Amounts that can train but are below what is recommended, or above what is used."""
    findings = []
    if interactions.kept < RECOMMENDED_INTERACTIONS:
        findings.append(
            Finding(
                "info",
                "few-interactions",
                f"{interactions.kept:,} interactions can train; "
                f"{RECOMMENDED_INTERACTIONS:,} or more are recommended",
                interactions.kept,
            )
        )
    if counts.with_two < RECOMMENDED_USERS:
        findings.append(
            Finding(
                "info",
                "few-users",
                f"{counts.with_two:,} users have two or more interactions; "
                f"{RECOMMENDED_USERS:,} are recommended",
                counts.with_two,
            )
        )
    if told := _too_many(counts.items):
        about = "" if counts.is_exact else "at least "
        sentence = f"{about}{counts.items:,} items; {told}"
        findings.append(Finding("warning", "many-items", sentence, counts.items))
    return findings


def _too_many(items: int) -> str | None:
    """Models leave out the rarest items beyond their limit."""
    if items > MAX_ITEMS:
        return f"Personalize considers {MAX_ITEMS:,}"
    if items > MAX_ITEMS_V1:
        return f"recipes before v2 consider {MAX_ITEMS_V1:,}"
    return None
