"""Streamed events as rows: how a user's are found, sessions included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Query = Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]
# The newest: one user with a flood of events must not slow an answer.
MOST_PER_USER = 500

_OF_USER = """
    SELECT * FROM (
        SELECT id, item_id, timestamp, event_type, event_value FROM events
        WHERE grp = :grp AND kind = :kind AND user_id = :user AND id > :after
        UNION
        SELECT id, item_id, timestamp, event_type, event_value FROM events
        WHERE grp = :grp AND kind = :kind AND id > :after AND user_id IS NULL
          AND (session_id = :user OR session_id IN (
            SELECT session_id FROM events WHERE grp = :grp AND kind = :kind AND user_id = :user))
        ORDER BY id DESC LIMIT :most
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
    # Named, since SQLite's numbered placeholders warn in the first releases of Python 3.12.
    values = {"grp": group, "kind": kind, "user": user, "after": after, "most": MOST_PER_USER}
    rows = query(_OF_USER, values)
    return [Streamed(*row[1:]) for row in rows]
