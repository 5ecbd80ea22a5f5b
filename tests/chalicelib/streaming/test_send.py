"""Members through the routes: what reaches the service, and what its refusals leave."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chalicelib.documents import ServingRecord
from chalicelib.serving.errors import NotReady
from chalicelib.serving.group import Group
from chalicelib.streaming.send import dataset_arn
from tests.chalicelib.house import ARN, FAULT, NOT_FOUND, THROTTLE, FakeEvents, House

VIEW = {"userId": "u1", "eventType": "view", "itemId": "tea"}


def test_one_event_reaches_the_tracker(shop: House) -> None:
    answered = shop.post("/events", {**VIEW, "sentAt": "2024-05-02T10:11:12Z", "eventId": "e1"})
    assert (answered.status, answered.json) == (200, {"accepted": 1})
    assert shop.tracker.calls == [
        {
            "trackingId": "tracker-1",
            "sessionId": "u1",
            "userId": "u1",
            "eventList": [
                {
                    "eventType": "view",
                    "itemId": "tea",
                    "eventId": "e1",
                    "sentAt": datetime(2024, 5, 2, 10, 11, 12, tzinfo=UTC),
                },
            ],
        },
    ]


def test_every_field_of_the_service_is_passed_on(shop: House) -> None:
    event = {
        **VIEW,
        "sessionId": "s1",
        "eventValue": 4.5,
        "properties": {"device": "phone"},
        "recommendationId": "RID-1",
        "impression": ["tea", 7],
    }
    shop.post("/events", event)
    (taken,) = shop.tracker.taken
    assert shop.tracker.calls[0]["sessionId"] == "s1"
    assert taken["eventValue"] == 4.5
    assert taken["properties"] == '{"device":"phone"}'
    assert taken["recommendationId"] == "RID-1"
    assert taken["impression"] == ["tea", "7"]


def test_without_a_time_it_is_now(shop: House) -> None:
    shop.post("/events", VIEW)
    assert shop.tracker.taken[0]["sentAt"].timestamp() == shop.clock.seconds


@pytest.mark.parametrize(
    "sent_at",
    [
        1714644672,
        1714644672.0,
        1714644672000,
        "1714644672",
        "2024-05-02T10:11:12",
        "2024-05-02T12:11:12+02:00",
    ],
)
def test_times_are_read_as_seconds_milliseconds_or_iso(shop: House, sent_at: Any) -> None:
    shop.post("/events", {**VIEW, "sentAt": sent_at})
    assert shop.tracker.taken[0]["sentAt"] == datetime(2024, 5, 2, 10, 11, 12, tzinfo=UTC)


def test_the_same_event_twice_has_the_same_id_and_another_has_another(shop: House) -> None:
    event = {**VIEW, "sentAt": 1714644672}
    for sent in (event, event, {**event, "itemId": "milk"}):
        shop.post("/events", sent)
    first, second, third = (event["eventId"] for event in shop.tracker.taken)
    assert first == second != third


def test_more_than_ten_events_go_in_calls_of_ten_by_user_and_session_in_order(shop: House) -> None:
    events = [{**VIEW, "userId": f"u{n % 2}", "itemId": f"i{n}"} for n in range(46)]
    assert shop.post("/events", {"events": events}).json == {"accepted": 46}
    assert [len(call["eventList"]) for call in shop.tracker.calls] == [10, 10, 3, 10, 10, 3]
    of_u1 = [
        e["itemId"]
        for call in shop.tracker.calls
        if call["userId"] == "u1"
        for e in call["eventList"]
    ]
    assert of_u1 == [f"i{n}" for n in range(1, 46, 2)]


def test_an_anonymous_event_has_a_session_only(shop: House) -> None:
    shop.post("/events", {"sessionId": "s1", "eventType": "view", "itemId": "tea"})
    assert "userId" not in shop.tracker.calls[0]


def test_of_a_refused_call_the_good_events_are_kept_and_the_bad_are_named(shop: House) -> None:
    shop.tracker = FakeEvents(refuses=["bad"])
    events = [
        {**VIEW, "itemId": f"i{n}", "eventType": "bad" if n in (3, 12) else "view"}
        for n in range(14)
    ]
    answered = shop.post("/events", {"events": events})
    assert answered.status == 400
    assert answered.json["accepted"] == 12
    assert [rejected["index"] for rejected in answered.error["rejected"]] == [3, 12]
    assert sorted(event["itemId"] for event in shop.tracker.taken) == sorted(
        f"i{n}" for n in range(14) if n not in (3, 12)
    )


@pytest.mark.parametrize(("failure", "status"), [(THROTTLE, 429), (FAULT, 503), (NOT_FOUND, 409)])
def test_a_failing_tracker_is_said_with_what_was_taken(
    shop: House, failure: Exception, status: int
) -> None:
    shop.tracker = FakeEvents(None, failure, failure, failure)
    answered = shop.post("/events", {"events": [VIEW] * 15})
    assert answered.status == status
    if status != 409:
        assert answered.error["accepted"] == 10
        assert "Retry-After" in answered.headers


def test_a_group_without_tracker_takes_no_events(shop: House) -> None:
    shop.serve(tracker=None)
    assert shop.post("/events", VIEW).status == 409


def test_the_group_may_stand_in_the_query_or_the_body(shop: House) -> None:
    shop.serve(group="books", tracker="tracker-books")
    assert shop.post("/events", VIEW).status == 400
    shop.post("/events?group=books", VIEW)
    shop.post("/events", {**VIEW, "group": "books"})
    shop.post("/events", {"group": "books", "events": [VIEW]})
    assert [call["trackingId"] for call in shop.tracker.calls] == ["tracker-books"] * 3


def test_new_items_and_users_go_before_the_events_that_speak_of_them(shop: House) -> None:
    body = {
        "events": [VIEW],
        "items": [
            {"itemId": n, "properties": {"name": "Tea", "creationTimestamp": 1714644672}}
            for n in range(11)
        ],
        "users": [{"userId": "u1"}],
    }
    assert shop.post("/events", body).json == {"accepted": 13}
    first, second, third, fourth = shop.tracker.calls
    assert first["datasetArn"] == f"{ARN}:dataset/shop/ITEMS"
    assert first["items"][0] == {
        "itemId": "0",
        "properties": '{"name":"Tea","creationTimestamp":1714644672}',
    }
    assert [len(first["items"]), len(second["items"])] == [10, 1]
    assert third == {"datasetArn": f"{ARN}:dataset/shop/USERS", "users": [{"userId": "u1"}]}
    assert fourth["eventList"][0]["itemId"] == "tea"


def test_of_refused_items_the_good_ones_are_kept(shop: House) -> None:
    shop.tracker = FakeEvents(refuses=["bad"])
    answered = shop.post("/events", {"items": [{"itemId": i} for i in ("a", "bad", "b")]})
    assert (answered.status, answered.json["accepted"]) == (400, 2)
    assert answered.error["rejected"] == [
        {"in": "items", "index": 1, "message": "Unknown property"}
    ]


def test_a_dataset_is_in_the_account_and_region_of_the_campaigns() -> None:
    record = ServingRecord(group="shop", solution="a", recipe="any", recipe_type="any")
    served = msgspec.structs.replace(
        record, campaign_arn="arn:aws-cn:personalize:cn-north-1:7:campaign/a"
    )
    group = Group("shop", {"b": record, "a": served}, None)
    assert dataset_arn(group, "items") == "arn:aws-cn:personalize:cn-north-1:7:dataset/shop/ITEMS"
    with pytest.raises(NotReady, match="no campaign yet"):
        dataset_arn(Group("shop", {"b": record}, None), "items")
