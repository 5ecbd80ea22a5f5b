"""Small increments as events; that they arrive is seen in tests/workflow."""

from __future__ import annotations

import json

import pytest

from chalicelib import layout
from chalicelib.pipeline import dataset_group, increments
from tests.chalicelib.shop import Tasks
from tests.chalicelib.town import Town, persist

FIELDS = {
    "USER_ID": "string",
    "ITEM_ID": "string",
    "TIMESTAMP": "long",
    "EVENT_VALUE": ["float", "null"],
    "DEVICE_TYPE": ["null", "string"],
    "PLACE": ["null", "int"],
    "IS_GIFT": "boolean",
}
SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [{"name": name, "type": kind} for name, kind in FIELDS.items()],
        "version": "1.0",
    }
)


@pytest.mark.parametrize(
    ("mode", "interactions", "small"),
    [("INCREMENTAL", 999, True), ("INCREMENTAL", 1000, False), ("FULL", 999, False)],
)
def test_a_small_increment_is_one_that_an_import_would_refuse(
    town: Town, mode: str, interactions: int, small: bool
) -> None:
    run = town.begin_run("small")
    data = town.write_data(run, mode=mode, interactions=interactions)
    assert increments.is_small(data) is small


def test_rows_become_events_with_their_types(town: Town) -> None:
    rows = [
        "u1,i1,1700000000,2.5,phone,3,true",
        "u1,i2,1700000001,,,,false",
        "u2,i1,1700000002,,,,false",
    ]
    run = town.begin_run("events")
    town.write_data(run, mode="INCREMENTAL", interactions=3, schemas={"interactions": SCHEMA})
    key = layout.clean_part("events", "interactions", run.name, 0)
    run.work.write(key, "\n".join([",".join(FIELDS), *rows, ""]))
    found = increments.events_by_user(run)
    assert {user: len(events) for user, events in found.items()} == {"u1": 2, "u2": 1}
    first, second = found["u1"]
    assert (first.item_id, first.sent_at, first.event_value) == ("i1", 1_700_000_000.0, 2.5)
    assert json.loads(first.properties or "") == {"deviceType": "phone", "place": 3, "isGift": True}
    assert (second.event_value, second.event_type) == (None, increments.NO_TYPE)


def test_the_service_takes_them_however_often_the_task_is_entered(town: Town) -> None:
    rows = [f"u{n % 3},i{n},{1_700_000_000 + n},,phone,,false" for n in range(35)]
    run = town.begin_run("sent")
    town.write_data(run, mode="INCREMENTAL", interactions=35, schemas={"interactions": SCHEMA})
    run.work.write(
        layout.clean_part("sent", "interactions", run.name, 0),
        "\n".join([",".join(FIELDS), *rows, ""]),
    )
    event = Tasks(run).event
    prepared = persist(lambda: dataset_group.prepare_group(run.context, event))
    assert prepared.solutions == ()
    for _ in range(2):
        increments.send_events(run)
