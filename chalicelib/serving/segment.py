"""Segment's calls as events: `track` calls that name an item, one event per product of an order.

https://segment.com/docs/connections/spec/ecommerce/v2/ names the fields.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from chalicelib.events import MAX_MEMBERS, Event, parse_event
from chalicelib.serving.errors import BadRequest, TooLarge
from chalicelib.serving.ids import MAX_CHARACTERS, type_name

ITEM_KEYS = ("sku", "product_id", "productId", "itemId", "item_id")


def parse_calls(body: Any) -> tuple[list[Event], int]:
    """The events of a webhook's body (one call, a list, or `{"batch": [...]}`), and how many calls
    hold none.
    """
    calls = _calls(body)
    events = [
        event for number, call in enumerate(calls) for event in to_events(call, f"events[{number}]")
    ]
    return events, sum(1 for call in calls if not _is_item_event(call))


def _calls(body: Any) -> list[dict[str, Any]]:
    """The calls of a Segment webhook (one call), or of a batch of them."""
    given = body.get("batch", [body]) if isinstance(body, dict) else body
    if not isinstance(given, list) or not all(isinstance(call, dict) for call in given):
        raise BadRequest(
            f"The body is of type {type_name(body)}. Expected a Segment call or a list of them."
        )
    if len(given) > MAX_MEMBERS:
        raise TooLarge(f"The batch has {len(given):,} calls. Expected at most {MAX_MEMBERS}.")
    return given


def to_events(call: Mapping[str, Any], name: str) -> list[Event]:
    """One event per product, none for a call that names no item. BadRequest starts with `name`."""
    if not _is_item_event(call):
        return []
    items = _items(call)
    message_id = call.get("messageId")
    common = {
        "eventType": call.get("event"),
        "userId": call.get("userId"),
        "sessionId": call.get("anonymousId") or call.get("userId"),
        "sentAt": call.get("timestamp") or call.get("originalTimestamp") or call.get("sentAt"),
    }
    return [
        parse_event(
            {**common, "itemId": item, "eventId": _event_id(message_id, number, len(items))}, name
        )
        for number, item in enumerate(items)
    ]


def _is_item_event(call: Mapping[str, Any]) -> bool:
    return call.get("type", "track") == "track" and bool(_items(call))


def _items(call: Mapping[str, Any]) -> list[Any]:
    properties = call.get("properties")
    if not isinstance(properties, dict):
        return []
    products = properties.get("products")
    candidates = products if isinstance(products, list) and products else [properties]
    found = (_item(candidate) for candidate in candidates if isinstance(candidate, dict))
    return [item for item in found if item is not None]


def _item(properties: Mapping[str, Any]) -> Any:
    return next(
        (properties[key] for key in ITEM_KEYS if properties.get(key) not in (None, "")), None
    )


def _event_id(message_id: Any, number: int, count: int) -> str | None:
    if not isinstance(message_id, str) or not message_id:
        return None
    if count == 1 and len(message_id) <= MAX_CHARACTERS:
        return message_id
    return hashlib.sha256(f"{message_id}#{number}".encode()).hexdigest()[:32]
