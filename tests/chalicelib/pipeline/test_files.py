from __future__ import annotations

import json

from chalicelib import layout
from chalicelib.documents import ExportSet, FileOutcome, SourceFile
from chalicelib.pipeline.files import SMALL_EXPORT_BYTES, is_small
from chalicelib.runs import Run
from tests.chalicelib.shop import Tasks, export_of, purchases
from tests.chalicelib.town import Town


def normalise(town: Town, **objects: bytes) -> Run:
    named = {f"interactions/{name}.csv": body for name, body in objects.items()}
    run = town.begin_run("shop", export=export_of(town, "shop", named))
    Tasks(run).normalise()
    return run


def outcome(run: Run, index: int = 0) -> FileOutcome:
    key = layout.file_report(run.name, "interactions", index)
    return run.work.read_document(key, FileOutcome)


def test_a_small_export_goes_through_the_sample_whole(town: Town) -> None:
    run = normalise(town, orders=purchases(users=40, each=30))
    report = outcome(run).report
    assert report is not None
    assert (report.rows, report.kept, report.sampled) == (1200, 1200, 1200)
    assert run.work.keys(layout.sampled("shop", run.name)) == [
        layout.sampled_part("shop", run.name, 0)
    ]
    assert run.work.keys(layout.clean("shop", "interactions", run.name)) == []


def test_bad_rows_go_to_quarantine_with_their_lines(town: Town) -> None:
    run = normalise(town, orders=purchases() + b",i00,1700000000,view\n")
    report = outcome(run).report
    assert report is not None
    assert report.rows - report.kept == 1
    body = run.work.read(layout.quarantined_rows("shop", run.name, "interactions", 0))
    assert json.loads(body.splitlines()[0])["line"] == report.rows + 1


def test_a_file_that_cannot_be_used_is_reported_and_the_others_go_on(town: Town) -> None:
    run = normalise(town, a=b"PK\x03\x04 a zip", b=purchases())
    rejected = outcome(run, 0).rejected
    assert rejected is not None
    assert (rejected.key, rejected.code) == ("shop/interactions/a.csv", "format")
    assert run.work.head(layout.quarantined_file("shop", run.name, "interactions", 0))
    assert outcome(run, 1).report is not None


def test_a_file_that_vanished_or_was_replaced_since_is_not_mixed_in(town: Town) -> None:
    export = export_of(
        town, "shop", {"interactions/a.csv": purchases(), "interactions/b.csv": purchases(seed=2)}
    )
    town.context.drop.write("shop/interactions/a.csv", purchases(seed=3))
    town.clients.s3.delete_object(Bucket=town.context.drop.name, Key="shop/interactions/b.csv")
    run = town.begin_run("shop", export=export)
    Tasks(run).normalise()
    codes = [found.code for n in range(2) if (found := outcome(run, n).rejected)]
    assert codes == ["replaced", "vanished"]


def test_a_task_that_is_entered_again_writes_the_same(town: Town) -> None:
    run = normalise(town, orders=purchases())
    before = outcome(run)
    Tasks(run).normalise()
    assert outcome(run) == before


def test_an_export_is_small_by_the_bytes_of_all_its_files() -> None:
    half = SourceFile("k", SMALL_EXPORT_BYTES // 2, "e")
    for files, small in ((2, True), (3, False)):
        export = ExportSet(
            group="g", datasets={"items": (half,) * files}, mode="FULL", complete_by="quiet"
        )
        assert is_small(export) is small
