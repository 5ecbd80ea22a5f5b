from __future__ import annotations

import pytest

from chalicelib import layout
from chalicelib.documents import ExportSet, SourceFile
from chalicelib.errors import Missing, ServiceUnavailable
from chalicelib.intake.starting import Begun, Start, start
from tests.chalicelib.intake.stage import Stage

FILE = SourceFile("shop/items/a.csv", 3, "e", None, "items")
EXPORT = ExportSet(group="shop", datasets={"items": (FILE,)}, mode="FULL", complete_by="quiet")
WANTED = Start("export1", EXPORT, "[source]\n", {"shop/x": "it is empty (0 bytes)"})


def test_a_run_finds_all_that_it_begins_with(stage: Stage) -> None:
    assert start(stage.context, WANTED).run == "export1"
    assert stage.runs == ["export1"]
    assert stage.export("export1") == EXPORT
    assert stage.context.work.read(layout.config("export1")) == b"[source]\n"
    record = stage.record("export1")
    assert (record.status, record.attempt, record.group) == ("claimed", 1, "shop")
    assert record.ignored == {"shop/x": "it is empty (0 bytes)"}
    assert stage.context.ledger.runs("shop") == ["export1"]


def test_a_run_with_files_brings_no_data_report(stage: Stage) -> None:
    start(stage.context, WANTED)
    with pytest.raises(Missing):
        stage.context.work.read(layout.data_report("export1"))
    start(stage.context, Start("export2", EXPORT, "", data_report=b"{}"))
    assert stage.context.work.read(layout.data_report("export2")) == b"{}"


def test_everything_is_written_before_the_execution_starts(stage: Stage) -> None:
    stage.machine.broken = True
    with pytest.raises(ServiceUnavailable):
        start(stage.context, WANTED)
    assert stage.export("export1") == EXPORT
    assert stage.record("export1").ignored


def test_a_start_that_broke_off_is_done_again_with_what_is_known_now(stage: Stage) -> None:
    stage.machine.broken = True
    with pytest.raises(ServiceUnavailable):
        start(stage.context, WANTED)
    stage.machine.broken = False
    assert start(stage.context, Start("export1", EXPORT, "[group]\n")).run == "export1"
    assert stage.runs == ["export1"]
    assert stage.context.work.read(layout.config("export1")) == b"[group]\n"


def test_a_claimed_run_that_is_started_twice_has_one_execution(stage: Stage) -> None:
    first, again = start(stage.context, WANTED), start(stage.context, WANTED)
    assert first == again == Begun("export1", is_new=True)
    assert stage.machine.asked == 2
    assert stage.runs == ["export1"]


@pytest.mark.parametrize("status", ["running", "succeeded"])
def test_a_run_that_goes_on_or_has_succeeded_keeps_what_it_began_with(
    stage: Stage, status: str
) -> None:
    start(stage.context, WANTED)
    stage.context.ledger.update_run("export1", status=status)
    found = start(stage.context, Start("export1", EXPORT, "[group]\n"))
    assert found == Begun("export1", is_new=False)
    assert stage.machine.asked == 1
    assert stage.context.work.read(layout.config("export1")) == b"[source]\n"


def test_a_failed_run_gets_another_attempt_with_names_of_its_own(stage: Stage) -> None:
    start(stage.context, WANTED)
    stage.end("export1", "failed")
    assert start(stage.context, WANTED).run == "export1-2"
    stage.end("export1-2", "failed")
    assert start(stage.context, WANTED).run == "export1-3"
    assert stage.runs == ["export1", "export1-2", "export1-3"]
    assert stage.record("export1-3").attempt == 3
