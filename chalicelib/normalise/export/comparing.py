"""This set beside the last one: what would be lost if it took the place of what the group has.

Counts alone do not show a second part that takes the place of the first: both may be as large. So a
sample of the rows is remembered, too, as hashes, and looked for in the next set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.documents import Contents, FileReport, Mode, Rejection
from chalicelib.normalise import engine
from chalicelib.normalise.rows.clean import clean_source

SAMPLE = 1_000  # rows: a share of them is known to 3 points in 100
_SPARE = 4  # times as many hashes are looked at, since rows may repeat
_HASHES = 2**63
# Who and when: what was taken may have lost its key in a join, and the gate is there to see that.
# Half of an MD5: the same in every version of DuckDB, which its own hash() is not.
_HASH = "md5_number_lower(concat(USER_ID, chr(31), TIMESTAMP)) // 2"
_SHOWN = 3


@dataclass(frozen=True)
class Loss:
    """`kept` of what there was before (0 to 1) is in the new set, too."""

    what: str
    before: int
    now: int
    kept: float

    def __str__(self) -> str:
        return (
            f"{self.kept:.0%} of the {self.what} is left ({self.before:,} before, {self.now:,} now)"
        )


def interactions_of(
    paths: Sequence[Path], scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> Contents:
    """What clean interaction files hold together."""
    source = clean_source(paths)
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        rows, users, items, first, last = engine.fetch_row(
            connection,
            "SELECT count(*), count(DISTINCT USER_ID), count(DISTINCT ITEM_ID), "
            f"min(TIMESTAMP), max(TIMESTAMP) FROM {source}",
        )
        below = _HASHES * min(1.0, _SPARE * SAMPLE / max(rows, 1))
        found = connection.execute(
            f"SELECT DISTINCT {_HASH} AS hash FROM {source} WHERE hash <= {int(below)}"
        ).fetchall()
    sample = tuple(sorted(int(row[0]) for row in found)[:SAMPLE])
    return Contents(rows=rows, users=users, items=items, first=first, last=last, sample=sample)


def share_kept(
    before: Contents, paths: Sequence[Path], scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> float:
    """The share of the interactions of before that are in these files, too (0 to 1)."""
    if not before.sample:
        return 1.0
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        (found,) = engine.fetch_row(
            connection,
            f"SELECT count(DISTINCT {_HASH}) FROM {clean_source(paths)} "
            f"WHERE {_HASH} IN ({', '.join(map(str, before.sample))})",
        )
    return float(found / len(before.sample))


def losses(
    before: Mapping[str, Contents],
    now: Mapping[str, Contents],
    kept: float,
    min_kept: float,
) -> list[Loss]:
    """What a full export would take away beyond the bound; both map a dataset to what it holds.

    `kept` is the share of the interactions of before that are in the new set. A dataset that the
    export does not bring stays as it is.
    """
    found = []
    for dataset in sorted(before.keys() & now.keys()):
        old, new = before[dataset], now[dataset]
        shares = [Loss(f"rows of {dataset}", old.rows, new.rows, _share(old.rows, new.rows))]
        if dataset == "interactions":
            shares = [
                Loss("interactions", old.rows, new.rows, kept),
                Loss("users", old.users, new.users, _share(old.users, new.users)),
                Loss("items with interactions", old.items, new.items, _share(old.items, new.items)),
            ]
        found += [loss for loss in shares if loss.kept < min_kept]
    return found


def add(
    before: Mapping[str, Contents], now: Mapping[str, Contents], mode: Mode
) -> dict[str, Contents]:
    """What the group holds after the import.

    What an increment repeats cannot be counted, so the counts are lower bounds then: nothing is
    held because of them that is not lost.
    """
    if mode == "FULL":
        return {**before, **now}
    grown = {
        name: _grown(before[name], new) if name in before else new for name, new in now.items()
    }
    return {**before, **grown}


def missing(
    rejected: Sequence[Rejection], reports: Sequence[FileReport], expected: Mapping[str, int]
) -> list[str]:
    """What the set should hold and does not, a sentence each: refused files, rows of a manifest."""
    refused = [f"{file.key} cannot be used: {file.reason}" for file in rejected]
    short = [
        f"{report.key} has {report.rows:,} rows; its manifest promises {expected[report.key]:,}"
        for report in reports
        if report.rows < expected.get(report.key, 0)
    ]
    found = [*refused, *short]
    more = [f"and {len(found) - _SHOWN:,} more"] if len(found) > _SHOWN else []
    return found[:_SHOWN] + more


def _share(before: int, now: int) -> float:
    return min(1.0, now / before) if before else 1.0


def _grown(old: Contents, new: Contents) -> Contents:
    return Contents(
        rows=max(old.rows, new.rows),
        users=max(old.users, new.users),
        items=max(old.items, new.items),
        first=min((t for t in (old.first, new.first) if t is not None), default=None),
        last=max((t for t in (old.last, new.last) if t is not None), default=None),
        sample=tuple(sorted({*old.sample, *new.sample})[:SAMPLE]),
    )
