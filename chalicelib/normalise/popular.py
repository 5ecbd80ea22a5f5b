"""The most popular items of an export: the gate's baseline, and the answer when no model can
answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from chalicelib.normalise import engine
from chalicelib.normalise.clean import clean_source, read_header
from chalicelib.normalise.engine import name

MAX_POPULAR = 500


def popular_items(
    interactions: Sequence[Path],
    items: Sequence[Path],
    target: Path,
    *,
    run: str = "",
    limit: int = MAX_POPULAR,
    memory_mb: int = engine.MEMORY_MB,
) -> int:
    """Write `{"run", "items": [{"itemId", "count", "metadata"}]}`, most interactions first, ties by
    item id; returns their number.

    `items` may be empty; an item's metadata is then too.
    """
    with engine.connect(target.parent / "scratch", memory_mb=memory_mb) as connection:
        ranked = connection.execute(
            f"SELECT ITEM_ID, count(*) AS n FROM {clean_source(interactions)} GROUP BY 1 ORDER BY n DESC, 1 LIMIT {limit}"
        ).fetchall()
        metadata: dict[str, dict[str, str]] = {}
        if items and ranked:
            columns = [c for c in read_header(items[0]) if c != "ITEM_ID"]
            cells = ", ".join(["ITEM_ID", *(name(c) for c in columns)])
            wanted = [row[0] for row in ranked]
            rows = connection.execute(
                f"SELECT {cells} FROM {clean_source(items)} WHERE ITEM_ID IN (SELECT unnest(?))",
                [wanted],
            ).fetchall()
            metadata = {
                row[0]: {c: v for c, v in zip(columns, row[1:], strict=True) if v is not None}
                for row in rows
            }
    answer = {
        "run": run,
        "items": [{"itemId": i, "count": n, "metadata": metadata.get(i, {})} for i, n in ranked],
    }
    target.write_text(
        json.dumps(answer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    return len(ranked)
