"""Members as the service takes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.streaming.members import Batch, Event, Row

NOW = 1_700_000_000.0
VIEW = Event(event_type="view", session_id="s1", user_id="u1", item_id="tea", sent_at=NOW - 5)


def test_an_event_has_the_services_shape_and_no_absent_fields() -> None:
    assert replace(VIEW, event_id="e1").to_wire(NOW) == {
        "eventType": "view",
        "itemId": "tea",
        "eventId": "e1",
        "sentAt": datetime.fromtimestamp(NOW - 5, UTC),
    }


def test_every_field_of_an_event_is_passed_on() -> None:
    event = replace(
        VIEW,
        event_value=0.0,
        properties="{}",
        recommendation_id="RID",
        impression=("tea", "milk"),
    )
    wire = event.to_wire(NOW)
    assert (wire["eventValue"], wire["properties"]) == (0.0, "{}")
    assert (wire["recommendationId"], wire["impression"]) == ("RID", ["tea", "milk"])


def test_an_event_without_a_time_is_now() -> None:
    assert replace(VIEW, sent_at=None).to_wire(NOW)["sentAt"].timestamp() == NOW


@pytest.mark.parametrize(
    "other",
    [
        replace(VIEW, user_id="u2"),
        replace(VIEW, session_id="s2"),
        replace(VIEW, event_type="buy"),
        replace(VIEW, item_id="milk"),
        replace(VIEW, sent_at=NOW),
        replace(VIEW, event_value=1.0),
        replace(VIEW, properties='{"a":1}'),
    ],
)
def test_the_same_event_has_the_same_id_and_another_has_another(other: Event) -> None:
    assert VIEW.to_wire(NOW)["eventId"] == replace(VIEW).to_wire(NOW + 60)["eventId"]
    assert VIEW.to_wire(NOW)["eventId"] != other.to_wire(NOW)["eventId"]


def test_a_row_has_its_id_and_its_properties_if_any() -> None:
    assert Row("tea").to_wire("itemId") == {"itemId": "tea"}
    assert Row("u1", "{}").to_wire("userId") == {"userId": "u1", "properties": "{}"}


def test_a_batch_tells_something_new_of_the_users_it_names() -> None:
    anonymous = replace(VIEW, user_id=None)
    batch = Batch(events=[VIEW, anonymous], items=[Row("tea")], users=[Row("u2")])
    assert batch.user_ids == {"u1", "u2"}
    assert batch
    assert not Batch()
