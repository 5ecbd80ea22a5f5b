from __future__ import annotations

import pytest

from chalicelib import layout
from chalicelib.documents import ArrivalRecord, ExportSet, SourceFile
from chalicelib.errors import NotHeld
from chalicelib.intake.accepting import HELD, Desk, accept
from chalicelib.intake.starting import Start, start
from tests.chalicelib.intake.stage import Stage

FILE = SourceFile("shop/items/a.csv", 3, "e", None, "items")
EXPORT = ExportSet(group="shop", datasets={"items": (FILE,)}, mode="FULL", complete_by="quiet")
IGNORED = {"shop/x": "it is empty (0 bytes)"}


def desk(stage: Stage) -> Desk:
    context = stage.context
    return Desk(context.ledger, context.work, context.machine)


def hold(stage: Stage, code: str) -> str:
    """A run that has ended with this note in quarantine."""
    run = start(stage.context, Start("export1", EXPORT, "[source]\n", IGNORED)).run
    assert run
    stage.context.work.write_json(layout.quarantined_export("shop", run), {"code": code})
    stage.context.ledger.update_run(run, status="failed")
    return run


@pytest.mark.parametrize("code", HELD)
def test_a_held_export_runs_again_as_it_was(stage: Stage, code: str) -> None:
    held = hold(stage, code)
    run = accept(desk(stage), "shop", held)
    assert run != held
    assert stage.runs == [held, run]
    assert stage.export(run) == EXPORT
    assert stage.context.work.read(layout.config(run)) == b"[source]\n"
    record = stage.record(run)
    assert (record.accepted, record.ignored, record.export) == (True, IGNORED, "export1")
    assert not stage.record(held).accepted


def test_what_was_accepted_is_of_the_run_that_goes_on(stage: Stage) -> None:
    held = hold(stage, "partial")
    (key,) = {file.key for _, file in EXPORT.files()}
    found = ArrivalRecord(key=key, etag="e", size=1, arrived=stage.now)
    stage.context.ledger.record_taken("shop", held, [found])
    run = accept(desk(stage), "shop", held)
    taken = stage.context.ledger.taken("shop", key)
    assert taken is not None
    assert (taken.run, taken.etag) == (run, "e")


def test_to_accept_twice_starts_one_run(stage: Stage) -> None:
    held = hold(stage, "shrunk")
    run = accept(desk(stage), "shop", held)
    assert accept(desk(stage), "shop", held) == run
    assert stage.runs == [held, run]
    stage.context.ledger.update_run(run, status="succeeded")
    with pytest.raises(NotHeld, match="succeeded"):
        accept(desk(stage), "shop", held)


def test_what_was_refused_cannot_be_accepted(stage: Stage) -> None:
    with pytest.raises(NotHeld, match="was not held"):
        accept(desk(stage), "shop", hold(stage, "too-few-interactions"))
    with pytest.raises(NotHeld, match="was not held"):
        accept(desk(stage), "shop", "no-such-run")
