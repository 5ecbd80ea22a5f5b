"""What a full export still holds of the import that it would replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.documents import DatasetSummary, Finding
from chalicelib.normalise import engine
from chalicelib.normalise.engine import fetch_row
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.rows.clean import clean_source

SECONDS_OF_DAY = 86_400


@dataclass(frozen=True)
class Kept:
    """Of `before` things of the last import, `now` are in this export; `what` names them."""

    what: str
    before: int
    now: int

    @property
    def share(self) -> float:
        return self.now / self.before if self.before else 1.0

    def __str__(self) -> str:
        return f"{self.now:,} of {self.before:,} {self.what} ({self.share:.0%})"


def user_days(
    before: Sequence[Path],
    now: Sequence[Path],
    scratch: Path,
    memory_mb: int = engine.MEMORY_MB,
) -> tuple[Kept, Kept]:
    """The users, and the days of users, that the clean interactions `before` had and `now` still have.

    A day on which a user did something is compared, and not its events: a correction of items or of
    values keeps it, a missing part, lost users and a lost time do not.
    """
    days = f"SELECT DISTINCT USER_ID AS u, TIMESTAMP // {SECONDS_OF_DAY} AS d FROM {{}}"
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        for table, paths in (("earlier", before), ("present", now)):
            source = days.format(clean_source(paths))
            connection.execute(f"CREATE TABLE {table} AS {source}")
        known, kept, users, users_kept = fetch_row(
            connection,
            "SELECT count(*), count(present.u), count(DISTINCT earlier.u), "
            "count(DISTINCT earlier.u) FILTER (earlier.u IN (SELECT u FROM present)) "
            "FROM earlier LEFT JOIN present USING (u, d)",
        )
    return Kept("users", users, users_kept), Kept("days of users", known, kept)


def rows(before: Sequence[DatasetSummary], now: Sequence[DatasetSummary]) -> tuple[Kept, ...]:
    """The rows of each dataset that both sets have."""
    present = {summary.dataset: summary.kept for summary in now}
    return tuple(
        Kept(f"rows of {earlier.dataset}", earlier.kept, present[earlier.dataset])
        for earlier in before
        if earlier.dataset in present
    )


def require_kept(compared: Sequence[Kept], least: float) -> None:
    """
    Raises:
        SetRejected: the export holds less than the share `least` of something.
    """
    lost = [str(kept) for kept in compared if kept.share < least]
    if lost:
        raise SetRejected(
            "shrunk",
            f"Held: it would replace the last import and has only {' and '.join(lost)}. Expected at "
            f"least {least:.0%} (min_kept). Drop the whole export; or, where exports hold only what "
            'is new, say mode = "INCREMENTAL" in [source] of recdrop.toml; or, if this is right, '
            "min_kept = 0, and drop the same files again.",
        )


def finding(compared: Sequence[Kept]) -> Finding | None:
    """What is told of a set that may replace the last; None when there was none."""
    if not compared:
        return None
    least = min(compared, key=lambda kept: kept.share)
    told = "; ".join(map(str, compared))
    return Finding("info", "compared", f"of the last import there are {told}", least.now)
