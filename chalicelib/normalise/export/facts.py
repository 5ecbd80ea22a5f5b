"""Small facts about clean interactions that later steps ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chalicelib.normalise import engine
from chalicelib.normalise.rows.clean import clean_source


def last_items(
    interactions: Sequence[Path], withheld: Path, scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> dict[str, str]:
    """The newest imported item of each withheld user; ties go to the smaller item id."""
    users = f"SELECT USER_ID FROM {clean_source([withheld])}"
    newest = "first(ITEM_ID ORDER BY TIMESTAMP DESC, ITEM_ID)"
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        rows = connection.execute(
            f"SELECT USER_ID, {newest} FROM {clean_source(interactions)} "
            f"WHERE USER_ID IN ({users}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
    return {str(user): str(item) for user, item in rows}


def all_ids(
    column: str, interactions: Sequence[Path], scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> list[str]:
    """Every id in USER_ID or ITEM_ID, sorted."""
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        rows = connection.execute(
            f"SELECT DISTINCT {column} FROM {clean_source(interactions)} ORDER BY 1"
        ).fetchall()
    return [str(found) for (found,) in rows]


def unknown_items(
    interactions: Sequence[Path],
    withheld: Path,
    live_until: int,
    scratch: Path,
    memory_mb: int = engine.MEMORY_MB,
) -> float:
    """The share of the withheld interactions whose item is in none as old as `live_until`."""
    known = f"SELECT ITEM_ID FROM {clean_source(interactions)} WHERE TIMESTAMP <= {live_until}"
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        (share,) = engine.fetch_row(
            connection,
            f"SELECT avg(CAST(ITEM_ID NOT IN ({known}) AS INTEGER)) "
            f"FROM {clean_source([withheld])}",
        )
    return float(share)
