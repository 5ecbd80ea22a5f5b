"""A body as members: what is read, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.serving.errors import BadRequest, TooLarge
from chalicelib.streaming.batch import parse_batch, parse_query
from chalicelib.streaming.members import Batch, Event, Row

VIEW = {"userId": "u1", "eventType": "view", "itemId": "tea"}


def refusal(body: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_batch(body, {})
    return caught.value.message


def test_one_event_may_stand_alone() -> None:
    expected = Event(event_type="view", session_id="u1", user_id="u1", item_id="tea")
    assert parse_batch(VIEW, {}) == (None, Batch(events=[expected]))


def test_the_three_lists_are_read() -> None:
    body = {
        "events": [VIEW],
        "items": [{"itemId": 1, "properties": {"name": "Tea"}}],
        "users": [{"userId": "u1"}],
    }
    _, batch = parse_batch(body, {})
    assert [event.item_id for event in batch.events] == ["tea"]
    assert batch.items == [Row("1", '{"name":"Tea"}')]
    assert batch.users == [Row("u1")]


def test_without_a_user_the_session_says_who_it_was() -> None:
    _, batch = parse_batch({"sessionId": "s1", "eventType": "view"}, {})
    assert (batch.events[0].user_id, batch.events[0].session_id) == (None, "s1")


def test_the_group_of_the_body_comes_before_that_of_the_query() -> None:
    assert parse_batch(VIEW, {"group": "books"})[0] == "books"
    assert parse_batch({**VIEW, "group": "shop"}, {"group": "books"})[0] == "shop"
    assert refusal({**VIEW, "group": 7}) == "group has a value of type number. Expected a name."


def test_the_group_is_the_only_parameter() -> None:
    assert parse_query({}) is None
    with pytest.raises(BadRequest, match="Unknown parameter 'groop'"):
        parse_query({"groop": "shop"})


def test_a_list_takes_five_hundred_members() -> None:
    assert len(parse_batch({"events": [VIEW] * 500}, {})[1].events) == 500
    for name, member in (("events", VIEW), ("items", {"itemId": 1}), ("users", {"userId": 1})):
        with pytest.raises(TooLarge, match=f"{name} has 501 entries. Expected at most 500"):
            parse_batch({name: [member] * 501}, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eventType": None}, "events[0].eventType is missing. Expected 1 to 256 characters."),
        ({"eventType": ""}, "events[0].eventType is empty. Expected 1 to 256 characters."),
        ({"eventType": 7}, "events[0].eventType has a value of type number. Expected a string."),
        (
            {"userId": None},
            "events[0] has neither userId nor sessionId. Expected at least one of them.",
        ),
        ({"userId": "x" * 257}, "events[0].userId has 257 characters. Expected 1 to 256."),
        ({"itemId": ""}, "events[0].itemId is empty. Expected 1 to 256 characters."),
        (
            {"sentAt": "yesterday"},
            "events[0].sentAt has value 'yesterday'. Expected epoch seconds or an ISO 8601",
        ),
        ({"sentAt": 10**30}, "events[0].sentAt has value"),
        ({"sentAt": -1}, "events[0].sentAt has value -1. Expected a time from 1970 to 2099."),
        ({"sentAt": True}, "events[0].sentAt has value True."),
        ({"eventValue": "4"}, "events[0].eventValue has value '4'. Expected a number."),
        (
            {"properties": "x"},
            "events[0].properties has a value of type string. Expected a JSON object.",
        ),
        (
            {"properties": {"a": "x" * 1024}},
            "events[0].properties has 1,032 characters of JSON. Expected at most 1024.",
        ),
        ({"properties": {"userId": "x"}}, "events[0].properties has the reserved key 'userId'."),
        (
            {"properties": {"TIMESTAMP": 1}},
            "events[0].properties has the reserved key 'TIMESTAMP'.",
        ),
        ({"recommendationId": "x" * 41}, "events[0].recommendationId has value"),
        ({"impression": []}, "events[0].impression is not a list of 1 to 25 item ids."),
        ({"impression": [""]}, "events[0].impression[0] is empty."),
        (
            {"item": "tea"},
            "events[0] has an unknown key 'item'. Expected one of: eventId, eventType,",
        ),
    ],
)
def test_a_wrong_event_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    assert refusal({"events": [{**VIEW, **change}, VIEW]}).startswith(message)


@pytest.mark.parametrize(
    "body", [[], [VIEW], 7, None, "x", {"events": []}, {"events": {}}, {"events": [7]}, {}]
)
def test_a_body_that_is_no_event_is_refused(body: Any) -> None:
    assert refusal(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"items": [7]}, "items[0] is of type number. Expected an object."),
        ({"items": {}}, "items has a value of type object. Expected a list."),
        ({"items": [{}]}, "items[0].itemId has a value of type null."),
        (
            {"items": [{"itemId": "a", "name": "b"}]},
            "items[0] has an unknown key 'name'. Expected one of: itemId, properties.",
        ),
        (
            {"items": [{"itemId": "a", "properties": "b"}]},
            "items[0].properties has a value of type string.",
        ),
        (
            {"items": [{"itemId": "a", "properties": {"b": "c" * 32_000}}]},
            "items[0].properties has 32,008 characters of JSON.",
        ),
        (
            {"users": [{"userId": "a", "properties": {"b": "c" * 24_000}}]},
            "users[0].properties has 24,008 characters of JSON.",
        ),
        ({"items": [], "users": []}, "The lists are empty."),
        (
            {"items": [{"itemId": "a"}], "x": 1},
            "Unknown key 'x' beside the lists. Expected one of: actionInteractions, events, group, ",
        ),
    ],
)
def test_a_wrong_item_or_user_is_refused_by_name(body: dict[str, Any], message: str) -> None:
    assert refusal(body).startswith(message)
