"""Members of a batch: an event, an item, a user, each as the service takes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Event:
    """A valid event. `sent_at` is epoch seconds, None for now; `properties` is JSON text."""

    event_type: str
    session_id: str
    user_id: str | None = None
    item_id: str | None = None
    event_id: str | None = None
    sent_at: float | None = None
    event_value: float | None = None
    properties: str | None = None
    recommendation_id: str | None = None
    impression: tuple[str, ...] = ()

    def to_wire(self, now: float) -> dict[str, Any]:
        """PutEvents' shape. `now` (epoch seconds) is when an event without a time happened."""
        sent_at = now if self.sent_at is None else self.sent_at
        optional = {
            "itemId": self.item_id,
            "eventValue": self.event_value,
            "properties": self.properties,
            "recommendationId": self.recommendation_id,
            "impression": list(self.impression) or None,
        }
        return {
            "eventType": self.event_type,
            "sentAt": datetime.fromtimestamp(sent_at, UTC),
            "eventId": self.event_id or self._digest(sent_at),
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _digest(self, sent_at: float) -> str:
        """An id that follows from the content: the service counts equal ids once.

        So a client that does not know whether its request arrived can send it again.
        """
        content = [
            self.user_id,
            self.session_id,
            self.event_type,
            self.item_id,
            sent_at,
            self.event_value,
            self.properties,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class ActionEvent:
    """What a user did about a recommended action; otherwise as `Event`."""

    action_id: str
    event: Event

    def to_wire(self, now: float) -> dict[str, Any]:
        """PutActionInteractions' shape."""
        wire = self.event.to_wire(now)
        who = {"sessionId": self.event.session_id, "userId": self.event.user_id}
        # The digest does not know the action.
        marked = f"{wire['eventId']} {self.action_id}"
        own = self.event.event_id or hashlib.sha256(marked.encode()).hexdigest()[:32]
        return {
            **{name: value for name, value in who.items() if value is not None},
            "timestamp": wire.pop("sentAt"),
            **wire,
            "eventId": own,
            "actionId": self.action_id,
        }


@dataclass(frozen=True)
class Row:
    """A new or changed item or user.

    `properties` is JSON text whose keys are the schema's names in camelCase.
    """

    id: str
    properties: str | None = None

    def to_wire(self, id_key: str) -> dict[str, Any]:
        """PutItems' or PutUsers' shape. `id_key` is itemId or userId."""
        wire = {id_key: self.id}
        if self.properties is not None:
            wire["properties"] = self.properties
        return wire


@dataclass(frozen=True)
class Batch:
    """What one request brings. All of it is valid before any of it is sent."""

    events: Sequence[Event] = ()
    items: Sequence[Row] = ()
    users: Sequence[Row] = ()
    actions: Sequence[ActionEvent] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.items or self.users or self.actions)

    @property
    def user_ids(self) -> set[str]:
        """The users of whom it tells something new."""
        events = [*self.events, *(action.event for action in self.actions)]
        of_events = {event.user_id for event in events if event.user_id is not None}
        return of_events | {row.id for row in self.users}
