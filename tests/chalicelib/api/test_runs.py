"""/runs/{run}: the run's record, in the words of the API."""

from __future__ import annotations

import pytest

from chalicelib.api.runs import camel
from tests.chalicelib.house import House


def test_a_run_is_shown_in_camel_case_without_what_is_not_the_publics(house: House) -> None:
    record = house.ledger.claim_run("shop", "abc")
    house.ledger.update_run(
        record.run,
        status="succeeded",
        results={"for-you": "promoted"},
        event_tracker_id="tracker-1",
        started=1714644672,
    )
    assert house.get(f"/runs/{record.run}").json == {
        "run": record.run,
        "export": "abc",
        "group": "shop",
        "attempt": 1,
        "accepted": False,
        "destroyed": False,
        "status": "succeeded",
        "claimed": "2023-11-14T22:13:20Z",
        "started": 1714644672,
        "results": {"for-you": "promoted"},
        "ignored": {},
        "filters": {},
        "eventTrackerId": "tracker-1",
    }


def test_an_unknown_run_is_not_found(house: House) -> None:
    answered = house.get("/runs/nope")
    assert (answered.status, answered.error["message"]) == (404, "Unknown run 'nope'.")


def test_what_cannot_be_a_runs_name_is_refused_without_a_read(house: House) -> None:
    table = house.count_reads()
    assert house.get(f"/runs/{'x' * 129}").status == 400
    assert table.reads == 0


def test_a_run_is_unavailable_while_the_table_is_out_of_reach(house: House) -> None:
    house.count_reads().fails = True
    answered = house.get("/runs/abc")
    assert (answered.status, answered.error["code"]) == (503, "Unavailable")


def test_a_run_that_cannot_be_read_is_a_failure_that_the_log_explains(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.table.put_item(Item={"pk": "run#abc", "sk": "run", "status": 7})
    assert house.get("/runs/abc").status == 500
    assert "run#abc" in vars(caplog.records[0])["reason"]


@pytest.mark.parametrize(
    ("name", "shown"), [("run", "run"), ("event_tracker_id", "eventTrackerId")]
)
def test_names_become_camel_case(name: str, shown: str) -> None:
    assert camel(name) == shown
