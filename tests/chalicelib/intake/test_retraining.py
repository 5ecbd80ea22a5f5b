from __future__ import annotations

import pytest

from chalicelib import layout
from chalicelib.documents import ExportSet
from chalicelib.intake import retraining
from chalicelib.intake.starting import Start, start
from tests.chalicelib.intake.stage import DAY, Stage

PROMOTES = """
[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"
gate = { when_unsure = "promote" }
"""
HOLDS = PROMOTES.replace("promote", "hold")
REPORT = b'{"version": 1, "as": "it was"}'


def finished(
    stage: Stage,
    group: str = "shop",
    config: str = PROMOTES,
    days_ago: float = 8,
    status: str = "succeeded",
) -> str:
    """A run of a group that ended some days ago."""
    now, stage.now = stage.now, stage.now - days_ago * DAY
    # A group is known by what was dropped in it.
    stage.context.ledger.record_arrival(group, f"{group}/items/a.csv", etag="e", size=1)
    export = ExportSet(group=group, datasets={}, mode="FULL", complete_by="quiet")
    run = start(stage.context, Start(f"{group}export", export, config, data_report=REPORT)).run
    stage.end(run, status)
    stage.now = now
    stage.machine.started.clear()
    return run


def test_a_group_whose_last_run_is_a_week_old_is_trained_on_what_streamed_in(stage: Stage) -> None:
    finished(stage)
    assert retraining.start_due_runs(stage.context) == ["shopexport-r20231114"]
    assert stage.runs == ["shopexport-r20231114"]


def test_the_run_has_no_files_and_the_config_and_data_report_of_the_one_before(
    stage: Stage,
) -> None:
    finished(stage)
    (run,) = retraining.start_due_runs(stage.context)
    assert stage.export(run) == ExportSet(
        group="shop", datasets={}, mode="INCREMENTAL", complete_by="retraining"
    )
    assert stage.context.work.read(layout.config(run)).decode() == PROMOTES
    assert stage.context.work.read(layout.data_report(run)) == REPORT
    assert stage.record(run).export == run


@pytest.mark.parametrize(
    ("days_ago", "status", "config"),
    [
        (6.9, "succeeded", PROMOTES),
        (8, "failed", PROMOTES),
        (8, "running", PROMOTES),
        (8, "succeeded", HOLDS),
        (8, "succeeded", ""),
    ],
)
def test_what_is_young_or_failed_or_goes_on_or_wants_proof_is_left_alone(
    stage: Stage, days_ago: float, status: str, config: str
) -> None:
    finished(stage, config=config, days_ago=days_ago, status=status)
    assert retraining.start_due_runs(stage.context) == []
    assert stage.runs == []


def test_one_solution_that_promotes_without_proof_is_enough(stage: Stage) -> None:
    finished(stage, config=HOLDS + PROMOTES.replace("for-you", "other"))
    assert len(retraining.start_due_runs(stage.context)) == 1


def test_each_group_is_looked_at_on_its_own(stage: Stage) -> None:
    for group in ("book", "club", "shop"):
        finished(stage, group, days_ago=1 if group == "club" else 9)
    assert retraining.start_due_runs(stage.context) == [
        "bookexport-r20231114",
        "shopexport-r20231114",
    ]


def test_a_schedule_that_fires_twice_starts_one_run(stage: Stage) -> None:
    finished(stage)
    retraining.start_due_runs(stage.context)
    assert retraining.start_due_runs(stage.context) == []
    assert len(stage.runs) == 1


def test_the_newest_run_counts_and_a_retraining_is_one(stage: Stage) -> None:
    finished(stage)
    (run,) = retraining.start_due_runs(stage.context)
    stage.end(run)
    stage.now += 3 * DAY
    assert retraining.start_due_runs(stage.context) == []
    stage.now += 5 * DAY
    assert retraining.start_due_runs(stage.context) == ["shopexport-r20231122"]


def test_a_group_that_never_ran_is_not_due(stage: Stage) -> None:
    stage.context.ledger.record_arrival("shop", "shop/items/a.csv", etag="e", size=1)
    assert retraining.start_due_runs(stage.context) == []


def test_a_group_that_cannot_be_read_is_told_of_and_the_others_go_on(stage: Stage) -> None:
    finished(stage, group="broken", config="[[solution]]\nname = 1\n")
    finished(stage, group="shop")
    assert retraining.start_due_runs(stage.context) == ["shopexport-r20231114"]
    [told] = stage.topic.told
    assert told["Subject"] == "recdrop broken: no retraining"
    assert "solution[0].name" in told["Message"]
