"""A request's body as members, checked whole before anything is sent.

What the service would refuse is refused here first, by list, index and name: the service has no
list of partial failures, one bad event fails its whole call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from chalicelib.serving.errors import BadRequest, TooLarge, one_of
from chalicelib.serving.ids import to_id
from chalicelib.serving.values import short, type_name
from chalicelib.streaming import fields
from chalicelib.streaming.members import ActionEvent, Batch, Event, Row

MAX_MEMBERS = 500
MAX_ITEM_PROPERTIES_CHARACTERS = 32_000
MAX_USER_PROPERTIES_CHARACTERS = 24_000
LISTS = ("events", "items", "users", "actionInteractions")
ACTION_EVENTS = ("Taken", "Not Taken", "Viewed")  # the service knows no other
EVENT_KEYS = (
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

_NOT_OF_ACTIONS = ("itemId", "eventValue", "group")

Member = TypeVar("Member")


def parse_query(query: Mapping[str, str]) -> str | None:
    """The group, the only parameter that these routes take.

    Raises:
        BadRequest: there is another one.
    """
    _check_keys(query, ("group",), "Unknown parameter {key}.")
    return query.get("group")


def parse_batch(body: Any, query: Mapping[str, str]) -> tuple[str | None, Batch]:
    """The group, and what a body brings: one event, or an object of the lists.

    Raises:
        BadRequest: a member is wrong, and so all are refused; the message begins with its place.
        TooLarge: a list is too long.
    """
    group = parse_query(query)
    if not isinstance(body, dict) or not any(name in body for name in LISTS):
        return _group(body, group), Batch(events=[parse_event(body, "events[0]")])
    _check_keys(body, (*LISTS, "group"), "Unknown key {key} beside the lists.")
    batch = Batch(
        events=_parse_list(body, "events", parse_event),
        items=_parse_list(body, "items", partial(_parse_row, "itemId")),
        users=_parse_list(body, "users", partial(_parse_row, "userId")),
        actions=_parse_list(body, "actionInteractions", _parse_action),
    )
    if not batch:
        raise BadRequest(f"The lists are empty. Expected 1 to {MAX_MEMBERS} members.")
    return _group(body, group), batch


def parse_event(given: Any, name: str) -> Event:
    """One event of the HTTP API.

    Raises:
        BadRequest: it is wrong; the message begins with `name`, its place in the request.
    """
    event = _object(given, name)
    _check_keys(event, EVENT_KEYS, f"{name} has an unknown key {{key}}.")
    user_id = fields.optional_id(event, "userId", name)
    # Personalize wants a session. Without one, all that a user does is one session.
    session_id = fields.optional_id(event, "sessionId", name) or user_id
    if session_id is None:
        raise BadRequest(f"{name} has neither userId nor sessionId. Expected at least one of them.")

    def read(parse: Callable[[Any, str], Member], key: str) -> Member:
        return parse(event.get(key), f"{name}.{key}")

    return Event(
        event_type=read(fields.event_type, "eventType"),
        session_id=session_id,
        user_id=user_id,
        item_id=fields.optional_id(event, "itemId", name),
        event_id=fields.optional_id(event, "eventId", name),
        sent_at=read(fields.epoch_seconds, "sentAt"),
        event_value=read(fields.number, "eventValue"),
        properties=read(fields.event_properties, "properties"),
        recommendation_id=read(fields.recommendation_id, "recommendationId"),
        impression=read(fields.impression, "impression"),
    )


def _parse_action(given: Any, name: str) -> ActionEvent:
    """What a user did about an action: an event with an actionId in place of an item and a value."""
    found = _object(given, name)
    known = (*(key for key in EVENT_KEYS if key not in _NOT_OF_ACTIONS), "actionId")
    _check_keys(found, known, f"{name} has an unknown key {{key}}.")
    action_id = to_id(found.get("actionId"), f"{name}.actionId")
    rest = {key: value for key, value in found.items() if key != "actionId"}
    event = parse_event(rest, name)
    if event.event_type not in ACTION_EVENTS:
        expected = f"Expected one of: {', '.join(ACTION_EVENTS)}."
        raise BadRequest(f"{name}.eventType has value {short(event.event_type)}. {expected}")
    return ActionEvent(action_id, event)


def _parse_row(id_key: str, given: Any, name: str) -> Row:
    row = _object(given, name)
    _check_keys(row, (id_key, "properties"), f"{name} has an unknown key {{key}}.")
    is_item = id_key == "itemId"
    most = MAX_ITEM_PROPERTIES_CHARACTERS if is_item else MAX_USER_PROPERTIES_CHARACTERS
    return Row(
        id=to_id(row.get(id_key), f"{name}.{id_key}"),
        properties=fields.properties(row.get("properties"), f"{name}.properties", most),
    )


def _parse_list(
    body: Mapping[str, Any], name: str, parse: Callable[[Any, str], Member]
) -> list[Member]:
    given = body.get(name, [])
    if not isinstance(given, list):
        raise BadRequest(f"{name} has a value of type {type_name(given)}. Expected a list.")
    if len(given) > MAX_MEMBERS:
        raise TooLarge(f"{name} has {len(given):,} entries. Expected at most {MAX_MEMBERS}.")
    return [parse(member, f"{name}[{place}]") for place, member in enumerate(given)]


def _object(given: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise BadRequest(f"{name} is of type {type_name(given)}. Expected an object.")
    return given


def _check_keys(given: Mapping[str, Any], known: tuple[str, ...], message: str) -> None:
    """Unknown keys are refused, never ignored: a misspelt field would be lost without a word."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        found = message.format(key=short(unknown[0]))
        raise BadRequest(f"{found} Expected one of: {one_of(known)}.")


def _group(body: Any, group: str | None) -> str | None:
    """The body's group comes before the query's."""
    found = body.get("group", group) if isinstance(body, dict) else group
    if found is not None and not isinstance(found, str):
        raise BadRequest(f"group has a value of type {type_name(found)}. Expected a name.")
    return found
