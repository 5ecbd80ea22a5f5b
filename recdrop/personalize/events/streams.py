"""Streamed events as rows: how a user's are found, sessions included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Query = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
MOST_PER_USER = 500

_OF_USER = """
    SELECT * FROM (
        SELECT id, item_id, timestamp, event_type, event_value FROM events
        WHERE grp = ?1 AND kind = ?2 AND user_id = ?3 AND id > ?4
        UNION
        SELECT id, item_id, timestamp, event_type, event_value FROM events
        WHERE grp = ?1 AND kind = ?2 AND id > ?4 AND user_id IS NULL AND (session_id = ?3 OR session_id IN (
            SELECT session_id FROM events WHERE grp = ?1 AND kind = ?2 AND user_id = ?3))
        ORDER BY id DESC LIMIT ?5
    ) WHERE item_id IS NOT NULL ORDER BY timestamp, id"""


@dataclass(frozen=True)
class Streamed:
    item_id: str
    timestamp: float
    event_type: str
    event_value: float | None


def events_of(
    query: Query, group: str, user: str, *, after: int = 0, kind: str = "interaction"
) -> list[Streamed]:
    """The streamed events of a user, oldest first, at most MOST_PER_USER.

    Those of the sessions in which the user logged in belong to it. `user` may also be the id of a
    session, for somebody who never logged in. `after` is the last event that does not count.
    """
    rows = query(_OF_USER, (group, kind, user, after, MOST_PER_USER))
    return [Streamed(*row[1:]) for row in rows]
