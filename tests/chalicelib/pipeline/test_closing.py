from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from chalicelib import layout
from chalicelib.documents import RunReport, RunState, WriteReport, Written, read_event
from chalicelib.pipeline import closing
from chalicelib.runs import Run
from tests.chalicelib.shop import CONFIG, Tasks
from tests.chalicelib.town import Town

FAILURE = {"Error": "ResourceFailed", "Cause": json.dumps({"errorMessage": "training: no memory"})}
HISTORY = [
    {
        "id": 1,
        "type": "TaskStateEntered",
        "timestamp": 100.0,
        "stateEnteredEventDetails": {"name": "Train", "input": '{"solution": "for-you"}'},
    },
    {
        "id": 2,
        "previousEventId": 1,
        "type": "TaskFailed",
        "timestamp": 109.0,
        "taskFailedEventDetails": {"error": "ResourceFailed"},
    },
]


def write(run: Run, **state: Any) -> Written:
    event = WriteReport(
        run=run.name,
        group=run.group,
        execution="arn:execution",
        state=read_event(state, RunState),
    )
    return closing.write_report(run.context, event)


def report_of(run: Run) -> RunReport:
    return run.work.read_document(layout.report(run.name), RunReport)


def test_a_run_that_promoted_reports_metrics_data_and_cost(promoted: Run) -> None:
    results = [{"solution": name, "result": "promoted"} for name in ("for-you", "similar")]
    group = promoted.ledger.group("promoted")
    assert group is not None
    left = msgspec.structs.replace(group, solutions=(*group.solutions, "left-the-config"))
    promoted.ledger.record_group(promoted.token or 0, left)
    assert write(promoted, solutions=results).status == "succeeded"
    assert promoted.ledger.group("promoted") == group
    report = report_of(promoted)
    assert report.reason.startswith("for-you: promoted. Promoted:")
    assert report.data is not None
    assert report.data.datasets[0].dataset == "interactions"
    assert {line.what for line in report.cost} >= {"data ingestion", "training aws-similar-items"}
    assert promoted.work.read(layout.report_page(promoted.name)).startswith(b"<!doctype html>")
    assert promoted.record.status == "succeeded"
    assert promoted.record.results == {"for-you": "promoted", "similar": "promoted"}


def test_the_note_of_a_group_tells_how_its_run_ended(promoted: Run) -> None:
    ledger = promoted.ledger
    ledger.record_note(promoted.group, "run started", promoted.name)
    write(promoted, solutions=[{"solution": "for-you", "result": "promoted"}])
    note = ledger.note(promoted.group)
    assert note is not None
    assert note.what == "run succeeded"
    assert note.why.startswith(f"{promoted.name}: for-you: promoted.")
    ledger.record_note(promoted.group, "run started", "another")
    write(promoted, solutions=[])
    assert ledger.note(promoted.group) != note  # what was told since then stays
    assert ledger.note(promoted.group).why == "another"  # type: ignore[union-attr]


def test_a_failed_solution_fails_the_run_and_names_state_and_cause(town: Town) -> None:
    run = town.begin_run("shop", CONFIG)
    town.machine.events = HISTORY
    written = write(run, solutions=[{"solution": "for-you", "result": "failed", "error": FAILURE}])
    expected = "solution 'for-you': ResourceFailed in 'Train': training: no memory"
    assert written == Written(status="failed", reason=expected)
    assert run.record.status == "failed"
    assert "drop the same export again: what failed is deleted" in report_of(run).next_command


def test_a_run_that_failed_before_its_data_was_judged_has_a_report_too(town: Town) -> None:
    run = town.begin_run("shop", CONFIG)
    rejected = {"Error": "ExportRejected", "Cause": json.dumps({"errorMessage": "no ITEM_ID"})}
    written = write(run, error=rejected)
    assert written.reason == "ExportRejected: no ITEM_ID"
    report = report_of(run)
    assert (report.data, report.cost) == (None, ())
    stack = town.context.settings.stack_name
    assert report.next_command.startswith(f"recdrop quarantine {run.name} --stack {stack} ")


def test_somebody_is_told_how_it_ended(town: Town) -> None:
    run = town.begin_run("shop", CONFIG)
    write(run, error={"Error": "ExportRejected", "Cause": "{}"})
    closing.notify(run.context, Tasks(run).event)
    assert town.told() == [f"recdrop shop: run {run.name} failed"]


def test_a_run_without_a_report_is_marked_failed_and_told(town: Town) -> None:
    run = town.begin_run("shop")
    closing.notify(run.context, Tasks(run).event)
    assert town.told() == ["recdrop shop: failed"]
    assert run.record.status == "failed"
    assert "before its report could be written" in str(run.record.reason)


@pytest.mark.parametrize("state", [{}, {"solutions": []}])
def test_a_run_of_no_solution_succeeds(town: Town, state: dict[str, Any]) -> None:
    assert write(town.begin_run("shop"), **state).status == "succeeded"
