"""The most popular items of an export.

They are the gate's baseline, and the answer when no model can answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.documents import PopularItem, PopularList
from chalicelib.normalise import engine
from chalicelib.normalise.engine import name
from chalicelib.normalise.rows.clean import clean_source, read_header

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_POPULAR = 500


def popular_items(
    interactions: Sequence[Path],
    items: Sequence[Path],
    scratch: Path,
    *,
    limit: int = MAX_POPULAR,
    memory_mb: int = engine.MEMORY_MB,
) -> PopularList:
    """At most `limit` items, most interactions first, ties by item id.

    `items` may be empty; an item's metadata is then too.
    """
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        ranked = connection.execute(
            f"SELECT ITEM_ID, count(*) AS n FROM {clean_source(interactions)} "
            f"GROUP BY 1 ORDER BY n DESC, 1 LIMIT {limit}"
        ).fetchall()
        metadata = _metadata(connection, items, [item for item, _ in ranked])
    return PopularList(
        items=tuple(
            PopularItem(item_id=item, count=count, metadata=metadata.get(item, {}))
            for item, count in ranked
        )
    )


def _metadata(
    connection: DuckDBPyConnection, items: Sequence[Path], wanted: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The filled columns of the `wanted` items, by item id."""
    if not items or not wanted:
        return {}
    columns = [column for column in read_header(items[0]) if column != "ITEM_ID"]
    cells = ", ".join(["ITEM_ID", *(name(column) for column in columns)])
    rows = connection.execute(
        f"SELECT {cells} FROM {clean_source(items)} WHERE ITEM_ID IN (SELECT unnest(?))",
        [list(wanted)],
    ).fetchall()
    return {
        item: {c: value for c, value in zip(columns, values, strict=True) if value is not None}
        for item, *values in rows
    }
