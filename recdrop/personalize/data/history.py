"""Who did what, by user: the bulk interactions as memory-mapped arrays.

Filters on a user's interactions read them. The import job writes them beside the Parquet file, and
the server reads them one user at a time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recdrop.personalize.data.tables import Tables


class IdTable:
    """Sorted ids in one block of bytes: looked up by bisection, never all in memory as objects."""

    def __init__(self, folder: Path, name: str) -> None:
        self._bytes = np.load(folder / f"{name}-bytes.npy", mmap_mode="r")
        self._starts = np.load(folder / f"{name}-starts.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, code: int) -> str:
        return self._raw(code).decode()

    def find(self, identifier: str) -> int | None:
        """The place of an id; None when it is not in the table."""
        wanted, low, high = identifier.encode(), 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._raw(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self._raw(low) == wanted else None

    def _raw(self, code: int) -> bytes:
        return bytes(self._bytes[self._starts[code] : self._starts[code + 1]])

    @staticmethod
    def write(folder: Path, name: str, ids: NDArray[Any]) -> None:
        """Writes sorted ids. By bytes UTF-8 sorts as its code points do, so DuckDB's order will do."""
        encoded = [identifier.encode() for identifier in ids]
        np.save(folder / f"{name}-bytes.npy", np.frombuffer(b"".join(encoded), dtype=np.uint8))
        np.save(folder / f"{name}-starts.npy", np.cumsum([0, *map(len, encoded)], dtype=np.int64))


class History:
    """The interactions of one user, oldest first, by event type in lower case."""

    def __init__(self, folder: Path) -> None:
        self._users = IdTable(folder, "users")
        self._items = IdTable(folder, "items")
        self._starts = np.load(folder / "starts.npy", mmap_mode="r")
        self._item = np.load(folder / "item.npy", mmap_mode="r")
        self._type = np.load(folder / "type.npy", mmap_mode="r")
        self._types: list[str] = json.loads((folder / "types.json").read_text())

    def of(self, user_id: str) -> Mapping[str, list[str]]:
        """Item ids by event type."""
        code = self._users.find(user_id)
        found: dict[str, list[str]] = defaultdict(list)
        if code is not None:
            span = slice(int(self._starts[code]), int(self._starts[code + 1]))
            for item, kind in zip(
                self._item[span].tolist(), self._type[span].tolist(), strict=True
            ):
                found[self._types[kind]].append(self._items[item])
        return found


def write_history(tables: Tables, kind: str, folder: Path) -> None:
    """Writes the index of a table that is already there, into `folder`.

    `kind` is INTERACTIONS or ACTION_INTERACTIONS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    item = "ACTION_ID" if kind == "ACTION_INTERACTIONS" else "ITEM_ID"
    column = "EVENT_TYPE" if "EVENT_TYPE" in tables.schemas[kind].names else "NULL"
    event = f"coalesce(lower({column}::VARCHAR), '')"
    # Made in the order of the ids, so that a rowid is the place of an id in its IdTable.
    tables.run(
        f"CREATE TABLE history_users AS SELECT DISTINCT USER_ID AS id FROM {kind} ORDER BY id"
    )
    tables.run(
        f"CREATE TABLE history_items AS SELECT DISTINCT {item} AS id FROM {kind} ORDER BY id"
    )
    tables.run(
        f"CREATE TABLE history_types AS SELECT DISTINCT {event} AS id FROM {kind} ORDER BY id"
    )
    rows = tables.columns(f"""
        SELECT u.rowid::INTEGER AS user, i.rowid::INTEGER AS item, t.rowid::SMALLINT AS type
        FROM {kind} e JOIN history_users u ON u.id = e.USER_ID JOIN history_items i ON i.id = e.{item}
        JOIN history_types t ON t.id = {event}
        ORDER BY u.rowid, e.TIMESTAMP, e.rowid""")
    users = tables.columns("SELECT id FROM history_users ORDER BY rowid")["id"]
    IdTable.write(folder, "users", users)
    items = tables.columns("SELECT id FROM history_items ORDER BY rowid")["id"]
    IdTable.write(folder, "items", items)
    types = tables.columns("SELECT id FROM history_types ORDER BY rowid")["id"]
    (folder / "types.json").write_text(json.dumps(list(types)))
    # Rows are sorted by user: those of user u are starts[u] to starts[u + 1].
    starts = np.searchsorted(rows["user"], np.arange(len(users) + 1))
    np.save(folder / "starts.npy", starts.astype(np.int64))
    np.save(folder / "item.npy", rows["item"].astype(np.int32))
    np.save(folder / "type.npy", rows["type"].astype(np.int16))
    for table in ("history_users", "history_items", "history_types"):
        tables.run(f"DROP TABLE {table}")
