"""The values of fields, one by one. What is wrong with them is in test_batch.py too, by its place."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.serving.errors import BadRequest
from chalicelib.streaming import fields

MOMENT = 1714644672.0


@pytest.mark.parametrize(
    "value",
    [
        1714644672,
        1714644672.0,
        1714644672000,
        "1714644672",
        "1714644672000",
        "2024-05-02T10:11:12",
        "2024-05-02T10:11:12Z",
        "2024-05-02T12:11:12+02:00",
    ],
)
def test_times_are_read_as_seconds_milliseconds_or_iso(value: Any) -> None:
    assert fields.epoch_seconds(value, "sentAt") == MOMENT


def test_a_year_that_seconds_can_reach_is_no_number_of_milliseconds() -> None:
    assert fields.epoch_seconds(4_102_444_799, "sentAt") == 4_102_444_799


@pytest.mark.parametrize(
    "value", ["yesterday", "", True, [], 0, -1, 10**30, "9999-01-01", 1e999, 10**400]
)
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(BadRequest, match="sentAt has value"):
        fields.epoch_seconds(value, "sentAt")


@pytest.mark.parametrize("value", ["4", True, 3.5e38, 10**400, []])
def test_an_event_value_is_a_number_that_the_service_can_keep(value: Any) -> None:
    assert fields.number(-4.5, "eventValue") == -4.5
    with pytest.raises(BadRequest, match="eventValue has value"):
        fields.number(value, "eventValue")


def test_properties_are_compact_json_whatever_they_came_as() -> None:
    for value in ({"a": [1, 2]}, '{ "a": [1, 2] }'):
        assert fields.properties(value, "properties", 100) == '{"a":[1,2]}'
    assert fields.properties({}, "properties", 100) is None


def test_properties_are_counted_as_json() -> None:
    assert fields.properties({"a": "xyz"}, "properties", 11) == '{"a":"xyz"}'
    with pytest.raises(BadRequest, match="11 characters of JSON"):
        fields.properties({"a": "xyz"}, "properties", 10)


@pytest.mark.parametrize("key", ["userId", "USER_ID", "timestamp", "recommendation_id"])
def test_a_name_that_the_service_has_a_field_for_is_no_property(key: str) -> None:
    with pytest.raises(BadRequest, match=f"has the reserved key '{key}'"):
        fields.event_properties({key: "x"}, "properties")


def test_what_was_shown_is_a_short_list_of_ids() -> None:
    assert fields.impression(["tea", 7], "impression") == ("tea", "7")
    for value in ([], ["x"] * 26, "tea"):
        with pytest.raises(BadRequest, match="not a list of 1 to 25 item ids"):
            fields.impression(value, "impression")


def test_absent_fields_are_absent() -> None:
    for parse in (fields.epoch_seconds, fields.number, fields.recommendation_id):
        assert parse(None, "field") is None
    assert fields.impression(None, "impression") == ()
