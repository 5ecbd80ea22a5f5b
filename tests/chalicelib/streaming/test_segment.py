"""What Segment's webhook sends, as it sends it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.chalicelib.house import EVENTS, House


def test_the_workshops_segment_event_becomes_one_event(shop: House) -> None:
    answered = shop.post("/segment", (EVENTS / "segment_track.json").read_text())
    assert answered.json == {"accepted": 1, "ignored": 0}
    (call,) = shop.tracker.calls
    assert (call["userId"], call["sessionId"]) == ("2941404340", "2941404340-anon")
    assert call["eventList"] == [
        {
            "eventType": "Product Clicked",
            "itemId": "ocean-blue-shirt",
            "eventId": "test-message-33dlvn",
            "sentAt": datetime(2019, 2, 25, 15, 55, 5, 905000, tzinfo=UTC),
        },
    ]


def test_an_order_becomes_one_event_per_product_with_stable_ids(shop: House) -> None:
    body = (EVENTS / "segment_order_completed.json").read_text()
    for _ in range(2):
        assert shop.post("/segment", body).json == {"accepted": 2, "ignored": 0}
    items = [event["itemId"] for event in shop.tracker.taken]
    ids = [event["eventId"] for event in shop.tracker.taken]
    assert items == ["45790-32", "46493-32"] * 2
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


def test_segment_calls_without_an_item_are_ignored_and_counted(shop: House) -> None:
    identify = {"type": "identify", "userId": "u1", "traits": {}}
    page = {"type": "page", "userId": "u1", "properties": {"sku": "tea"}}
    track = {
        "type": "track",
        "anonymousId": "a1",
        "event": "Product Viewed",
        "properties": {"product_id": "tea"},
    }
    answered = shop.post("/segment", {"batch": [identify, page, track]})
    assert answered.json == {"accepted": 1, "ignored": 2}
    assert "userId" not in shop.tracker.calls[0]
    shop.serve(tracker=None)
    shop.clock.seconds += 11
    assert shop.post("/segment", identify).json == {"accepted": 0, "ignored": 1}


@pytest.mark.parametrize(
    "body", [7, [7], "x", {"batch": 7}, {"type": "track", "properties": {"sku": "a"}}]
)
def test_a_body_that_is_no_segment_call_is_refused(standing_shop: House, body: Any) -> None:
    assert standing_shop.post("/segment", json.dumps(body)).status == 400
