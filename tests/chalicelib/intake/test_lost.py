from __future__ import annotations

import pytest

from chalicelib.intake import lost, retraining
from chalicelib.intake.starting import start
from tests.chalicelib.intake.stage import Stage
from tests.chalicelib.intake.test_starting import WANTED


@pytest.mark.parametrize(
    ("status", "execution", "expected"),
    [
        ("claimed", None, False),
        ("claimed", "RUNNING", False),
        ("claimed", "FAILED", True),
        ("running", "RUNNING", False),
        ("running", "PENDING_REDRIVE", False),
        ("running", "ABORTED", True),
        ("running", "TIMED_OUT", True),
        ("running", "SUCCEEDED", True),
        ("running", None, True),
        ("succeeded", "SUCCEEDED", False),
        ("failed", None, False),
    ],
)
def test_a_run_is_lost_when_it_can_no_longer_end_itself(
    status: str, execution: str | None, expected: bool
) -> None:
    assert lost.is_lost(status, execution) is expected


def begin(stage: Stage, execution: str) -> None:
    """A run that is under way, says the ledger; its execution has ended."""
    start(stage.context, WANTED)
    stage.context.ledger.update_run("export1", status="running")
    stage.machine.ended["shop-export1"] = execution


def test_the_same_export_again_ends_a_lost_run_and_gets_another_attempt(stage: Stage) -> None:
    begin(stage, "ABORTED")
    assert start(stage.context, WANTED).run == "export1-2"
    record = stage.record("export1")
    assert (record.status, record.ended is not None) == ("failed", True)
    assert "ended as ABORTED and wrote no report" in str(record.reason)
    (told,) = stage.topic.told
    assert told["Subject"] == "recdrop shop: run export1 failed"
    assert "Drop the same export again" in told["Message"]


def test_an_execution_that_is_gone_was_lost_too(stage: Stage) -> None:
    begin(stage, "ABORTED")
    del stage.machine.started["shop-export1"]
    assert start(stage.context, WANTED).run == "export1-2"
    assert "no longer there" in str(stage.record("export1").reason)


def test_the_daily_look_ends_lost_runs_of_every_group_once(stage: Stage) -> None:
    begin(stage, "FAILED")
    stage.context.ledger.record_arrival("shop", "shop/items/x.csv", etag="e", size=1)
    assert retraining.start_due_runs(stage.context) == []
    assert stage.record("export1").status == "failed"
    retraining.start_due_runs(stage.context)
    assert len(stage.topic.told) == 1


def test_a_run_that_ended_itself_in_between_is_left_alone(stage: Stage) -> None:
    begin(stage, "SUCCEEDED")
    seen = stage.record("export1")
    stage.end("export1", "succeeded")
    assert not lost.close_if_lost(stage.context, seen)
    assert stage.record("export1").status == "succeeded"
    assert stage.topic.told == []
