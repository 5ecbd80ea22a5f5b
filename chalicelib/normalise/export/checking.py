"""The data check over all files of an export: can it train, what was found, what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from chalicelib.documents import (
    DatasetSummary,
    FileReport,
    Finding,
    Requirement,
    SetReport,
)
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.export.findings import (
    RECOMMENDED_INTERACTIONS,
    RECOMMENDED_USERS,
    column_findings,
    count_findings,
    interaction_findings,
    note_findings,
    row_findings,
)
from chalicelib.normalise.export.minimums import (
    MAX_EVENT_TYPES,
    MIN_INTERACTIONS,
    MIN_USERS_WITH_TWO,
    UserCounts,
)
from chalicelib.normalise.export.summaries import summarise

INTERACTIONS = "interactions"


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
    items alone is fine). `count` gives the exact counts of users and items over all files; without
    it those of several files are bounds, and said to be. `expected_rows` maps a file's key to the
    rows its manifest states.

    Raises:
        SetRejected: headers that differ between the files of a dataset, too few interactions or
            users, more than ten event types, one timestamp for all rows, no usable file.
    """
    by_dataset = _by_dataset(reports)
    summaries = [summarise(dataset, mine) for dataset, mine in by_dataset.items()]
    _require_files(by_dataset, has_interactions)

    findings: list[Finding] = []
    for dataset, mine in by_dataset.items():
        findings += [*row_findings(dataset, mine), *note_findings(dataset, mine)]
    findings += count_findings(reports, expected_rows or {})
    for summary in summaries:
        findings += column_findings(summary)

    requirements: tuple[Requirement, ...] = ()
    for interactions in (s for s in summaries if s.dataset == INTERACTIONS):
        counts = _user_counts(by_dataset[INTERACTIONS], count)
        is_increment = mode == "INCREMENTAL" and has_interactions
        _require_trainable(interactions, counts, mode, is_increment=is_increment)
        findings += _small_increment(interactions, mode)
        requirements = _requirements(interactions, counts)
        findings += interaction_findings(interactions, counts)

    return SetReport(
        verdict=verdict(findings),
        datasets=tuple(summaries),
        requirements=requirements,
        findings=tuple(findings),
    )


def verdict(findings: Sequence[Finding]) -> Literal["yes", "yes with warnings"]:
    """The answer for an export that was not refused."""
    return "yes with warnings" if any(f.severity != "info" for f in findings) else "yes"


def _by_dataset(reports: Sequence[FileReport]) -> dict[str, list[FileReport]]:
    by_dataset: dict[str, list[FileReport]] = {}
    for report in reports:
        by_dataset.setdefault(report.dataset, []).append(report)
    return dict(sorted(by_dataset.items()))


def _require_files(datasets: Collection[str], has_interactions: bool) -> None:
    if not datasets:
        raise SetRejected(
            "no-files", "No file of the export can be used. The quarantine says why, file by file."
        )
    if INTERACTIONS not in datasets and not has_interactions:
        raise SetRejected(
            "no-interactions",
            "The export has no interactions, and the group has none yet. Drop interactions first.",
        )


def _user_counts(
    reports: Sequence[FileReport], count: Callable[[], UserCounts] | None
) -> UserCounts:
    """Exact counts over all files together.

    One file's own counts are exact but for its items. Of several files without `count`, the sum of
    users is an upper bound, the largest number of users with two a lower one.
    """
    if count is not None:
        return count()
    return UserCounts(
        sum(r.users for r in reports),
        max(r.users_with_two for r in reports),
        max(r.items for r in reports),
        is_exact=len(reports) == 1,
    )


def _requirements(interactions: DatasetSummary, counts: UserCounts) -> tuple[Requirement, ...]:
    return (
        Requirement("interactions", interactions.kept, MIN_INTERACTIONS, RECOMMENDED_INTERACTIONS),
        Requirement(
            "users with two or more interactions" + ("" if counts.is_exact else " (at least)"),
            counts.with_two,
            MIN_USERS_WITH_TWO,
            RECOMMENDED_USERS,
        ),
    )


def _require_trainable(
    interactions: DatasetSummary, counts: UserCounts, mode: str, *, is_increment: bool
) -> None:
    """What Personalize would refuse hours later is refused now."""
    # An increment of fewer goes in as events.
    if interactions.kept < MIN_INTERACTIONS and not is_increment:
        raise SetRejected(
            "too-few-interactions",
            f"The export has {interactions.kept:,} usable interactions. "
            f"Expected at least {MIN_INTERACTIONS:,}: Personalize neither imports nor trains with "
            "fewer. Drop more, or send them as events (POST /events).",
        )
    if len(interactions.event_types) > MAX_EVENT_TYPES:
        shown = ", ".join(list(interactions.event_types)[:MAX_EVENT_TYPES])
        raise SetRejected(
            "too-many-event-types",
            f"The interactions have more than {MAX_EVENT_TYPES} event types ({shown}, ...). "
            "Expected at most ten: keep the ones that count with `events` of a [[dataset]] "
            "in recdrop.toml.",
        )
    # An increment is trained together with what was imported before.
    if mode != "INCREMENTAL":
        _require_repeating_users(counts)
        _require_times(interactions)


def _small_increment(interactions: DatasetSummary, mode: str) -> list[Finding]:
    if mode != "INCREMENTAL" or interactions.kept >= MIN_INTERACTIONS:
        return []
    told = (
        f"{interactions.kept:,} interactions are too few for an import, which takes {MIN_INTERACTIONS:,} "
        "or more: they go in as events, and nothing is trained"
    )
    return [Finding("info", "sent-as-events", told, interactions.kept)]


def _require_repeating_users(counts: UserCounts) -> None:
    if counts.with_two < MIN_USERS_WITH_TWO:
        raise SetRejected(
            "too-few-users",
            f"{counts.with_two:,} users have two or more interactions. "
            f"Expected at least {MIN_USERS_WITH_TWO}: Personalize does not train with fewer.",
        )
    if not counts.can_train:
        raise SetRejected(
            "too-few-repeat-users",
            f"{counts.with_two:,} of {counts.users:,} users have two or more interactions. "
            "Expected at least 1 %.",
        )


def _require_times(interactions: DatasetSummary) -> None:
    if interactions.first_timestamp == interactions.last_timestamp:
        raise SetRejected(
            "one-timestamp",
            f"All interactions have the TIMESTAMP {interactions.first_timestamp}. "
            "Expected the time of each interaction.",
        )
