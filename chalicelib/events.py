"""Events, items and users to Personalize: PutEvents, PutItems, PutUsers.

What the service would refuse is refused here first, by index and name, before anything is sent: the
service has no list of partial failures, one bad event fails its whole call. When it refuses a call
all the same, the call is halved until the bad events stand alone, so that the good ones are kept.

Not here: what Segment sends (serving/segment.py makes events of it), PutActions and
PutActionInteractions.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from chalicelib.serving.errors import (
    BadRequest,
    NotReady,
    TooLarge,
    TooManyRequests,
    Unavailable,
    one_of,
)
from chalicelib.serving.http import Reply
from chalicelib.serving.ids import to_id, type_name
from chalicelib.serving.records import Catalogue, Group
from chalicelib.serving.runtime import Broken, Caller, Deadline, Missing, Refused, Throttled

MAX_MEMBERS = 500
MEMBERS_PER_CALL = 10
MAX_PROPERTIES_CHARACTERS = 1_024
MAX_ITEM_PROPERTIES_CHARACTERS = 32_000
MAX_USER_PROPERTIES_CHARACTERS = 24_000
MAX_IMPRESSIONS = 25
MAX_RECOMMENDATION_ID_CHARACTERS = 40
MILLISECONDS_FROM = 100_000_000_000
LATEST_SECONDS = 4_102_444_800  # 2100-01-01, far enough from the year 9999 at which datetime ends

Member = TypeVar("Member")
Members = Sequence[tuple[int, Any]]
Send = Callable[[Sequence[Any]], None]

_LISTS = ("events", "items", "users")
_FIELDS = (
    "eventId",
    "eventType",
    "eventValue",
    "group",
    "impression",
    "itemId",
    "properties",
    "recommendationId",
    "sentAt",
    "sessionId",
    "userId",
)
# Personalize: "Don't use these keys in properties"; camelCase and column spellings of the same
# names.
_FORBIDDEN_PROPERTIES = frozenset(
    {"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"}
)


class EventsClient(Protocol):
    """What is used of boto3's personalize-events client."""

    def put_events(self, **arguments: Any) -> Mapping[str, Any]: ...

    def put_items(self, **arguments: Any) -> Mapping[str, Any]: ...

    def put_users(self, **arguments: Any) -> Mapping[str, Any]: ...


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
        """PutEvents' shape.

        The event id is the given one, or a digest: the same event sent twice counts once.
        """
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
        parts = [
            self.user_id,
            self.session_id,
            self.event_type,
            self.item_id,
            sent_at,
            self.event_value,
        ]
        return hashlib.sha256(json.dumps([*parts, self.properties]).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Row:
    """A new or changed item or user; `properties` is JSON text, its keys the schema's names in
    camelCase.
    """

    id: str
    properties: str | None = None

    def to_wire(self, id_key: str) -> dict[str, Any]:
        return {
            id_key: self.id,
            **({} if self.properties is None else {"properties": self.properties}),
        }


@dataclass(frozen=True)
class Batch:
    """What one request brings. All of it is valid before any of it is sent."""

    events: Sequence[Event] = ()
    items: Sequence[Row] = ()
    users: Sequence[Row] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.items or self.users)


@dataclass
class Outcome:
    """What became of a batch: how much of it was taken, and what the service refused, as (list,
    index, message).
    """

    accepted: int = 0
    rejected: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Recorder:
    """Sends batches.

    `forget` is called with (group, user) once an answer for the user may have changed.
    """

    catalogue: Catalogue
    client: Callable[[], EventsClient]
    caller: Caller
    forget: Callable[[tuple[str, str]], None]
    now: Callable[[], float]

    def record(self, group: str | None, batch: Batch, deadline: Deadline, **counts: int) -> Reply:
        """Send `batch`; 200 with the count, 400 naming what the service refused. Raises ApiError.

        Items and users go before the events that may speak of them. `counts` go into the reply as
        they are.
        """
        outcome = Outcome()
        if not batch:
            return _reply(outcome, counts)
        found = self.catalogue.group(group)
        if batch.events and found.event_tracker_id is None:
            raise NotReady(f"Group {found.name!r} has no event tracker yet.")
        try:
            for kind, members, send in self._plan(found, batch, deadline):
                _deliver(kind, members, send, outcome)
        except Throttled as error:
            message = f"The service is overloaded ({error.code}). Send all again: event ids are counted once."
            raise TooManyRequests(message, retry_after=1, accepted=outcome.accepted) from error
        except Missing as error:
            raise NotReady(
                f"What group {found.name!r} needs for it is not there ({error.code})."
            ) from error
        except Broken as error:
            message = f"The service does not answer ({error.code})."
            raise Unavailable(message, retry_after=5, accepted=outcome.accepted) from error
        finally:
            for user in {event.user_id for event in batch.events if event.user_id} | {
                row.id for row in batch.users
            }:
                self.forget((found.name, user))
        return _reply(outcome, counts)

    def _plan(
        self, group: Group, batch: Batch, deadline: Deadline
    ) -> Iterator[tuple[str, Members, Send]]:
        """The calls to make: each a list's name, some of its members with their index, and what
        sends them.
        """
        for kind, id_key, rows in (
            ("items", "itemId", batch.items),
            ("users", "userId", batch.users),
        ):
            for members in _chunks(list(enumerate(rows))):
                yield kind, members, partial(self._put_rows, group, deadline, kind, id_key)
        for members in _split_by_session(batch.events):
            yield "events", members, partial(self._put_events, group, deadline)

    def _put_events(self, group: Group, deadline: Deadline, events: Sequence[Event]) -> None:
        now = self.now()
        arguments: dict[str, Any] = {
            "trackingId": group.event_tracker_id,
            "sessionId": events[0].session_id,
            "eventList": [event.to_wire(now) for event in events],
        }
        if events[0].user_id is not None:
            arguments["userId"] = events[0].user_id
        self.caller.call(self.client().put_events, arguments, deadline)

    def _put_rows(
        self, group: Group, deadline: Deadline, kind: str, id_key: str, rows: Sequence[Row]
    ) -> None:
        operation = self.client().put_items if kind == "items" else self.client().put_users
        arguments = {
            "datasetArn": group.dataset_arn(kind),
            kind: [row.to_wire(id_key) for row in rows],
        }
        self.caller.call(operation, arguments, deadline)


def _deliver(kind: str, members: Members, send: Send, outcome: Outcome) -> None:
    """One call; a refused one is halved until the refused members stand alone."""
    try:
        send([member for _, member in members])
    except Refused as refusal:
        if len(members) == 1:
            outcome.rejected.append((kind, members[0][0], refusal.message))
            return
        middle = len(members) // 2
        _deliver(kind, members[:middle], send, outcome)
        _deliver(kind, members[middle:], send, outcome)
    else:
        outcome.accepted += len(members)


def _reply(outcome: Outcome, counts: Mapping[str, int]) -> Reply:
    if not outcome.rejected:
        return Reply(200, {"accepted": outcome.accepted, **counts})
    rejected = [
        {"in": kind, "index": index, "message": message}
        for kind, index, message in sorted(outcome.rejected)
    ]
    message = f"The service refused {len(rejected)} of them; the others are accepted. First: {rejected[0]['message']}"
    error = {"code": "BadRequest", "message": message, "rejected": rejected}
    return Reply(400, {"error": error, "accepted": outcome.accepted, **counts})


def _split_by_session(events: Sequence[Event]) -> Iterator[Members]:
    """At most ten events of one user and session each, in the order given."""
    sessions: dict[tuple[str | None, str], list[tuple[int, Event]]] = {}
    for index, event in enumerate(events):
        sessions.setdefault((event.user_id, event.session_id), []).append((index, event))
    for members in sessions.values():
        yield from _chunks(members)


def _chunks(members: Members) -> Iterator[Members]:
    return (
        members[start : start + MEMBERS_PER_CALL]
        for start in range(0, len(members), MEMBERS_PER_CALL)
    )


def parse_query(query: Mapping[str, str]) -> str | None:
    """The group, the only parameter these routes take."""
    unknown = sorted(set(query) - {"group"})
    if unknown:
        raise BadRequest(f"Unknown parameter {unknown[0]!r}. Expected one of: group.")
    return query.get("group")


def parse_batch(body: Any, query: Mapping[str, str]) -> tuple[str | None, Batch]:
    """The group and what a body brings: one event, or an object of the lists events, items and
    users.

    One bad member refuses them all, by its list and index.
    """
    group = parse_query(query)
    if not isinstance(body, dict) or not any(name in body for name in _LISTS):
        return _group(body, group), Batch(events=[parse_event(body, "events[0]")])
    unknown = sorted(set(body) - {*_LISTS, "group"})
    if unknown:
        raise BadRequest(
            f"Unknown key {ascii(unknown[0])[:60]} beside the lists. Expected one of: {one_of([*_LISTS, 'group'])}."
        )
    batch = Batch(
        events=_parse_list(body, "events", parse_event),
        items=_parse_list(
            body, "items", partial(_parse_row, "itemId", MAX_ITEM_PROPERTIES_CHARACTERS)
        ),
        users=_parse_list(
            body, "users", partial(_parse_row, "userId", MAX_USER_PROPERTIES_CHARACTERS)
        ),
    )
    if not batch:
        raise BadRequest(f"The lists are empty. Expected 1 to {MAX_MEMBERS} members.")
    return _group(body, group), batch


def _parse_list(
    body: Mapping[str, Any], name: str, parse: Callable[[Any, str], Member]
) -> list[Member]:
    given = body.get(name, [])
    if not isinstance(given, list):
        raise BadRequest(f"{name} has a value of type {type_name(given)}. Expected a list.")
    if len(given) > MAX_MEMBERS:
        raise TooLarge(f"{name} has {len(given):,} entries. Expected at most {MAX_MEMBERS}.")
    return [parse(member, f"{name}[{number}]") for number, member in enumerate(given)]


def _parse_row(id_key: str, most: int, given: Any, name: str) -> Row:
    if not isinstance(given, dict):
        raise BadRequest(f"{name} is of type {type_name(given)}. Expected an object.")
    unknown = sorted(set(given) - {id_key, "properties"})
    if unknown:
        raise BadRequest(
            f"{name} has an unknown key {ascii(unknown[0])[:60]}. Expected one of: {id_key}, properties."
        )
    return Row(
        to_id(given.get(id_key), f"{name}.{id_key}"),
        _properties(given.get("properties"), f"{name}.properties", most),
    )


def _group(body: Any, group: str | None) -> str | None:
    found = body.get("group", group) if isinstance(body, dict) else group
    if found is not None and not isinstance(found, str):
        raise BadRequest(f"group has a value of type {type_name(found)}. Expected a name.")
    return found


def parse_event(given: Any, name: str) -> Event:
    """One event of the HTTP API.

    BadRequest starts with `name`, the event's place in the request.
    """
    if not isinstance(given, dict):
        raise BadRequest(f"{name} is of type {type_name(given)}. Expected an object.")
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise BadRequest(
            f"{name} has an unknown key {ascii(unknown[0])[:60]}. Expected one of: {one_of(_FIELDS)}."
        )
    user_id = _optional_id(given, "userId", name)
    session_id = _optional_id(given, "sessionId", name) or user_id
    if session_id is None:
        raise BadRequest(f"{name} has neither userId nor sessionId. Expected at least one of them.")
    return Event(
        event_type=_text(given.get("eventType"), f"{name}.eventType"),
        session_id=session_id,
        user_id=user_id,
        item_id=_optional_id(given, "itemId", name),
        event_id=_optional_id(given, "eventId", name),
        sent_at=_epoch_seconds(given.get("sentAt"), f"{name}.sentAt"),
        event_value=_number(given.get("eventValue"), f"{name}.eventValue"),
        properties=_event_properties(given.get("properties"), f"{name}.properties"),
        recommendation_id=_recommendation_id(
            given.get("recommendationId"), f"{name}.recommendationId"
        ),
        impression=_impression(given.get("impression"), f"{name}.impression"),
    )


def _optional_id(given: Mapping[str, Any], key: str, name: str) -> str | None:
    value = given.get(key)
    return None if value is None else to_id(value, f"{name}.{key}")


def _text(value: Any, name: str) -> str:
    if value is None:
        raise BadRequest(f"{name} is missing. Expected 1 to 256 characters.")
    if not isinstance(value, str):
        raise BadRequest(f"{name} has a value of type {type_name(value)}. Expected a string.")
    return to_id(value, name)


def _epoch_seconds(value: Any, name: str) -> float | None:
    """Epoch seconds of a number (milliseconds are recognised) or of an ISO 8601 text; without a
    zone it is UTC.
    """
    if value is None:
        return None
    seconds = _iso_seconds(value) if isinstance(value, str) else value
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, (int, float))
        or not math.isfinite(seconds)
    ):
        raise BadRequest(
            f"{name} has value {ascii(value)[:60]}. Expected epoch seconds or an ISO 8601 date and time."
        )
    if seconds >= MILLISECONDS_FROM:
        seconds /= 1000
    if not 0 < seconds < LATEST_SECONDS:
        raise BadRequest(
            f"{name} has value {ascii(value)[:60]}. Expected a time from 1970 to 2099."
        )
    return seconds


def _iso_seconds(text: str) -> float | None:
    if re.fullmatch(r"[0-9]{1,16}", text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 3.4e38:
        raise BadRequest(f"{name} has value {ascii(value)[:60]}. Expected a number.")
    return float(value)


def _event_properties(value: Any, name: str) -> str | None:
    text = _properties(value, name, MAX_PROPERTIES_CHARACTERS)
    keys = msgspec.json.decode(text) if text else ()
    forbidden = sorted(key for key in keys if key.replace("_", "").lower() in _FORBIDDEN_PROPERTIES)
    if forbidden:
        raise BadRequest(
            f"{name} has the reserved key {ascii(forbidden[0])[:60]}. Expected it as a field of the event."
        )
    return text


def _properties(value: Any, name: str, most: int) -> str | None:
    """Compact JSON text of an object, or of a text that holds one."""
    if value is None or value == {}:
        return None
    found = _decode_object(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise BadRequest(f"{name} has a value of type {type_name(found)}. Expected a JSON object.")
    text = msgspec.json.encode(found).decode()
    if len(text) > most:
        raise BadRequest(f"{name} has {len(text):,} characters of JSON. Expected at most {most}.")
    return text


def _decode_object(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


def _recommendation_id(value: Any, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_RECOMMENDATION_ID_CHARACTERS:
        most = MAX_RECOMMENDATION_ID_CHARACTERS
        raise BadRequest(f"{name} has value {ascii(value)[:60]}. Expected 1 to {most} characters.")
    return value


def _impression(value: Any, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_IMPRESSIONS:
        raise BadRequest(f"{name} is not a list of 1 to {MAX_IMPRESSIONS} item ids.")
    return tuple(to_id(item, f"{name}[{number}]") for number, item in enumerate(value))
