from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from chalicelib import layout
from chalicelib.documents import DataRecord, PopularList
from chalicelib.errors import ExportHeld, ExportRejected
from chalicelib.runs import Run
from tests.chalicelib.shop import CONFIG, DAY, FIRST_DAY, Tasks, catalogue, export_of, purchases
from tests.chalicelib.town import Town

WHOLE = {"interactions/orders.csv": purchases(), "items/things.csv": catalogue()}


def check(
    town: Town, objects: Mapping[str, bytes], config: str = CONFIG, mode: str = "FULL"
) -> Run:
    run = town.begin_run("shop", config, export_of(town, "shop", objects, mode))
    tasks = Tasks(run)
    tasks.normalise()
    tasks.check()
    return run


def rows(run: Run, key: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run.work.read(key).decode())))


def imported(run: Run, dataset: str = "interactions") -> list[dict[str, str]]:
    keys = run.work.keys(layout.clean("shop", dataset, run.name))
    return [row for key in keys for row in rows(run, key)]


def test_what_is_withheld_is_not_imported_and_nothing_is_lost(town: Town) -> None:
    run = check(town, WHOLE)
    withheld, kept = rows(run, layout.withheld(run.name)), imported(run)
    assert len(withheld) + len(kept) == purchases().count(b"\n") - 1
    newest: dict[str, int] = {}
    for row in kept:
        newest[row["USER_ID"]] = max(newest.get(row["USER_ID"], 0), int(row["TIMESTAMP"]))
    assert withheld
    assert all(int(row["TIMESTAMP"]) >= newest[row["USER_ID"]] for row in withheld)
    assert run.data.last_items.keys() == {row["USER_ID"] for row in withheld}


def test_what_is_withheld_is_told(town: Town) -> None:
    found = [f for f in check(town, WHOLE).data.report.findings if f.code == "withheld"]
    assert [f.severity for f in found] == ["info"]
    assert "users are withheld" in found[0].sentence
    assert found[0].rows > 0


def test_the_report_says_what_later_tasks_need(town: Town) -> None:
    run = check(town, WHOLE)
    assert run.data.datasets == ("interactions", "items")
    assert run.data.metadata_columns == ("TASTE", "NAME")
    assert {f["name"] for f in fields(run, "interactions")} == {
        "USER_ID",
        "ITEM_ID",
        "TIMESTAMP",
        "EVENT_TYPE",
    }
    popular = run.work.read_document(run.data.popular, PopularList)
    assert popular.items[0].metadata.keys() == {"TASTE", "NAME"}
    assert run.data.users == layout.users(run.name)
    assert len(msgspec.json.decode(run.work.read(layout.users(run.name)))) == 60


def fields(run: Run, dataset: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(run.data.schemas[dataset])["fields"]
    return found


def test_an_export_that_cannot_train_is_rejected_with_its_reasons(town: Town) -> None:
    with pytest.raises(ExportRejected, match="1,000"):
        check(town, {"interactions/a.csv": purchases(users=10, each=10)})
    [name] = town.context.ledger.runs("shop")
    note = msgspec.json.decode(town.context.work.read(layout.quarantined_export("shop", name)))
    assert "1,000" in note["reasons"][0]


def test_a_rejected_file_is_an_error_in_the_report_and_the_others_are_judged(town: Town) -> None:
    broken = {**WHOLE, "interactions/bad.csv": b"%PDF-1.4"}
    run = check(town, broken, config="[source]\nallow_partial = true\n")
    errors = [f for f in run.data.report.findings if f.severity == "error"]
    assert [f.samples for f in errors] == [("shop/interactions/bad.csv",)]
    assert run.data.report.verdict == "yes with warnings"


def test_an_export_without_interactions_takes_over_what_is_known_of_them(town: Town) -> None:
    first = check(town, WHOLE)
    town.context.ledger.record_data("shop", DataRecord(run=first.name))
    town.context.ledger.release_lease("shop", first.name)
    run = check(town, {"items/things.csv": catalogue() + b"i99,taste-9,New\n"})
    assert run.data.datasets == ("items",)
    assert run.data.schemas.keys() == {"interactions", "items"}
    assert run.data.until == first.data.until
    assert (run.data.popular, run.data.users) == (first.data.popular, first.data.users)


def test_items_before_any_interactions_are_refused(town: Town) -> None:
    with pytest.raises(ExportRejected, match="Drop interactions first"):
        check(town, {"items/things.csv": catalogue()})


def test_what_an_earlier_run_withheld_goes_in_with_an_incremental_export(town: Town) -> None:
    first = check(town, WHOLE)
    earlier = rows(first, layout.withheld(first.name))
    town.context.ledger.record_data(
        "shop", DataRecord(run=first.name, withheld=layout.withheld(first.name))
    )
    town.context.ledger.release_lease("shop", first.name)
    later = purchases(seed=2, start=FIRST_DAY + 60 * DAY)
    run = check(town, {"interactions/more.csv": later}, mode="INCREMENTAL")
    back = {tuple(row.values()) for row in imported(run)}
    assert {tuple(row.values()) for row in earlier} <= back


def test_the_same_export_again_writes_the_same(town: Town) -> None:
    run = check(town, WHOLE)
    before = run.data, imported(run), rows(run, layout.withheld(run.name))
    Tasks(run).check()
    again = Run(run.context, run.name, run.group, run.token)
    assert (again.data, imported(again), rows(again, layout.withheld(run.name))) == before


def test_a_dataset_keeps_the_schema_that_it_has(town: Town) -> None:
    first = check(town, WHOLE)
    town.context.ledger.record_data("shop", DataRecord(run=first.name))
    town.context.ledger.release_lease("shop", first.name)
    wider = catalogue().replace(b"NAME\n", b"NAME,COLOUR\n", 1).replace(b"\ni", b",red\ni")
    wider = wider.replace(b"COLOUR,red\n", b"COLOUR\n", 1).rstrip(b"\n") + b",red\n"
    run = check(town, {**WHOLE, "items/things.csv": wider})
    assert run.data.schemas["items"] == first.data.schemas["items"]
    assert any("COLOUR of items is left out" in f.sentence for f in run.data.report.findings)


def again(town: Town, first: Run, objects: dict[str, bytes]) -> Run:
    """The next export of the group, whose config says "update"."""
    town.context.ledger.record_data("shop", DataRecord(run=first.name))
    town.context.ledger.release_lease("shop", first.name)
    return check(town, objects, config='[source]\nschema = "update"\n')


def coloured() -> bytes:
    header, *lines = catalogue().splitlines()
    return b"\n".join([header + b",COLOUR", *(line + b",red" for line in lines), b""])


def test_items_grow_where_the_config_says_so(town: Town) -> None:
    first = check(town, WHOLE)
    run = again(town, first, {**WHOLE, "items/things.csv": coloured()})
    before = fields(first, "items")
    assert fields(run, "items")[: len(before)] == before
    assert fields(run, "items")[-1]["name"] == "COLOUR"
    assert run.data.schemas["interactions"] == first.data.schemas["interactions"]


def test_new_columns_of_interactions_are_refused_at_once(town: Town) -> None:
    first = check(town, WHOLE)
    header, *lines = purchases().splitlines()
    wider = b"\n".join([header + b",DEVICE", *(line + b",phone" for line in lines), b""])
    with pytest.raises(ExportRejected, match=r"DEVICE.*source\.schema"):
        again(town, first, {**WHOLE, "interactions/orders.csv": wider})


def import_(town: Town, run: Run) -> None:
    """The datasets hold what the run has checked, and the group is free again."""
    town.context.ledger.record_data("shop", DataRecord(run=run.name))
    town.context.ledger.release_lease("shop", run.name)


def halves(body: bytes) -> tuple[bytes, bytes]:
    """Two parts of one unload: every other row."""
    header, *lines = body.splitlines(keepends=True)
    return header + b"".join(lines[::2]), header + b"".join(lines[1::2])


def test_a_second_part_does_not_take_the_place_of_the_first(town: Town) -> None:
    first, second = halves(purchases(users=120))
    import_(town, check(town, {"interactions/1.csv": first}))
    with pytest.raises(ExportHeld, match=r"0% of the interactions is left .*recdrop accept"):
        check(town, {"interactions/2.csv": second})


def test_a_full_export_that_shrunk_is_held_with_the_difference(town: Town) -> None:
    import_(town, check(town, {"interactions/a.csv": purchases(users=120)}))
    with pytest.raises(ExportHeld) as error:
        check(town, {"interactions/a.csv": purchases(users=45)})
    assert "38% of the users is left (120 before, 45 now)" in str(error.value)
    assert "Interactions of 2023-11-" in str(error.value)


def test_items_that_shrunk_are_held(town: Town) -> None:
    import_(town, check(town, WHOLE))
    few = b"".join(catalogue().splitlines(keepends=True)[:11])
    with pytest.raises(ExportHeld, match="17% of the rows of items is left"):
        check(town, {**WHOLE, "items/things.csv": few})


def test_an_export_that_has_grown_is_compared_with_what_an_increment_added(town: Town) -> None:
    import_(town, check(town, WHOLE))
    later = purchases(seed=2, start=FIRST_DAY + 60 * DAY)
    import_(town, check(town, {"interactions/more.csv": later}, mode="INCREMENTAL"))
    both = {**WHOLE, "interactions/more.csv": later}
    assert check(town, both).data.contents["interactions"].rows > 2000
    town.context.ledger.release_lease("shop", town.context.ledger.runs("shop")[-1])
    with pytest.raises(ExportHeld, match="of the interactions is left"):
        check(town, WHOLE)


def test_a_config_may_expect_less(town: Town) -> None:
    import_(town, check(town, {"interactions/a.csv": purchases(users=120)}))
    check(town, {"interactions/a.csv": purchases(users=45)}, "[source]\nmin_kept = 0.1\n")


def test_a_refused_file_holds_the_export(town: Town) -> None:
    with pytest.raises(ExportHeld, match=r"not whole.*bad\.csv"):
        check(town, {**WHOLE, "items/bad.csv": b"%PDF-1.4"})


def test_fewer_rows_than_the_manifest_promises_hold_the_export(town: Town) -> None:
    export = export_of(town, "shop", WHOLE)
    [file] = export.datasets["interactions"]
    promised = msgspec.structs.replace(file, rows=90_000)
    datasets = {**export.datasets, "interactions": (promised,)}
    run = town.begin_run("shop", CONFIG, msgspec.structs.replace(export, datasets=datasets))
    Tasks(run).normalise()
    with pytest.raises(ExportHeld, match="its manifest promises 90,000"):
        Tasks(run).check()


def test_what_somebody_accepted_is_let_through(town: Town) -> None:
    export = export_of(town, "shop", {**WHOLE, "items/bad.csv": b"%PDF-1.4"})
    run = town.begin_run("shop", CONFIG, export)
    town.context.ledger.update_run(run.name, accepted=True)
    Tasks(run).normalise()
    Tasks(run).check()
    assert run.data.report.verdict == "yes with warnings"
