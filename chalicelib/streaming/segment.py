"""Segment's calls as events: `track` calls that name an item, one event per product of an order.

https://segment.com/docs/connections/spec/ecommerce/v2/ names the fields.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from chalicelib.serving.errors import BadRequest, TooLarge
from chalicelib.serving.ids import MAX_CHARACTERS
from chalicelib.serving.values import type_name
from chalicelib.streaming.batch import MAX_MEMBERS, parse_event
from chalicelib.streaming.members import Event

# In the order of trust: the e-commerce specification says sku and product_id, people write the rest.
ITEM_KEYS = ("sku", "product_id", "productId", "itemId", "item_id")


def parse_calls(body: Any) -> tuple[list[Event], int]:
    """The events of a webhook's body, and how many of its calls hold none.

    A body is one call, a list of them, or `{"batch": [...]}`.

    Raises:
        BadRequest: it is none of these, or a call's event is wrong.
        TooLarge: there are too many calls.
    """
    calls = _calls(body)
    events = [
        event for number, call in enumerate(calls) for event in to_events(call, f"events[{number}]")
    ]
    ignored = sum(1 for call in calls if not _is_item_event(call))
    return events, ignored


def _calls(body: Any) -> list[dict[str, Any]]:
    given = body.get("batch", [body]) if isinstance(body, dict) else body
    if not isinstance(given, list) or not all(isinstance(call, dict) for call in given):
        raise BadRequest(
            f"The body is of type {type_name(body)}. Expected a Segment call or a list of them."
        )
    if len(given) > MAX_MEMBERS:
        raise TooLarge(f"The batch has {len(given):,} calls. Expected at most {MAX_MEMBERS}.")
    return given


def to_events(call: Mapping[str, Any], name: str) -> list[Event]:
    """One event per product; none for a call that names no item.

    Raises:
        BadRequest: an event is wrong; the message begins with `name`.
    """
    if not _is_item_event(call):
        return []
    items = _items(call)
    message_id = call.get("messageId")
    # Named as the HTTP API names them, so that one parser checks both. `timestamp` is corrected for
    # a wrong clock on the device; the others are not.
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
    # "Order Completed" lists its products; "Product Viewed" is about the one it names itself.
    products = properties.get("products")
    candidates = products if isinstance(products, list) and products else [properties]
    found = (_item(candidate) for candidate in candidates if isinstance(candidate, dict))
    return [item for item in found if item is not None]


def _item(properties: Mapping[str, Any]) -> Any:
    named = (properties.get(key) for key in ITEM_KEYS)
    return next((item for item in named if item not in (None, "")), None)


def _event_id(message_id: Any, number: int, count: int) -> str | None:
    """An id that is the same when Segment sends the call again, and another for each product."""
    if not isinstance(message_id, str) or not message_id:
        return None
    if count == 1 and len(message_id) <= MAX_CHARACTERS:
        return message_id
    return hashlib.sha256(f"{message_id}#{number}".encode()).hexdigest()[:32]
