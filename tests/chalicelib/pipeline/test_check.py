from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from chalicelib import layout
from chalicelib.documents import DataRecord, PopularList
from chalicelib.errors import ExportRejected
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


def test_an_export_with_a_rejected_file_is_held(town: Town) -> None:
    with pytest.raises(ExportRejected, match=r"not whole: shop/interactions/bad.csv is in quarant"):
        check(town, {**WHOLE, "interactions/bad.csv": b"%PDF-1.4"})


def test_where_that_is_allowed_it_is_an_error_in_the_report_and_the_others_are_judged(
    town: Town,
) -> None:
    config = f"[source]\nallow_partial = true\n{CONFIG}"
    run = check(town, {**WHOLE, "interactions/bad.csv": b"%PDF-1.4"}, config)
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


def next_export(town: Town, first: Run, body: bytes, source: str = "", mode: str = "FULL") -> Run:
    town.context.ledger.record_data("shop", DataRecord(run=first.name))
    town.context.ledger.release_lease("shop", first.name)
    objects = {"interactions/orders.csv": body, "items/things.csv": catalogue()}
    return check(town, objects, f"[source]\n{source}\n{CONFIG}", mode)


def lines_where(wanted: Callable[[int], bool]) -> bytes:
    """The header and those of many orders whose number is `wanted`."""
    header, *lines = purchases(users=200).splitlines()
    return b"\n".join([header, *(line for n, line in enumerate(lines) if wanted(n)), b""])


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (lambda n: n >= 2_400, "0 of 100 users"),  # other users
        (lambda n: n % 24 >= 12, "of 2,2"),  # the later half of each user's time
        (lambda n: n < 1_100, "1,100 of 2,"),  # fewer
    ],
    ids=["other users", "another time", "fewer rows"],
)
def test_a_full_export_that_lacks_the_last_one_s_data_is_held(
    town: Town, part: Callable[[int], bool], told: str
) -> None:
    first = check(town, {**WHOLE, "interactions/orders.csv": lines_where(lambda n: n < 2_400)})
    with pytest.raises(ExportRejected, match=r"Held: it would replace the last import") as held:
        next_export(town, first, lines_where(part))
    assert told in str(held.value)


def test_what_is_new_may_be_appended_and_a_loss_be_allowed(town: Town) -> None:
    first = check(town, {**WHOLE, "interactions/orders.csv": lines_where(lambda n: n < 2_400)})
    others = lines_where(lambda n: n >= 2_400)
    run = next_export(town, first, others, mode="INCREMENTAL")
    run.ledger.release_lease("shop", run.name)
    run = next_export(town, first, others, source="min_kept = 0")
    [compared] = [f for f in run.data.report.findings if f.code == "compared"]
    assert "0 of 100 users (0%)" in compared.sentence


def test_an_export_that_grew_or_was_corrected_replaces_the_last(town: Town) -> None:
    first = check(town, WHOLE)
    corrected = purchases(users=70, seed=1).replace(b",i0", b",i1")
    run = next_export(town, first, corrected)
    [compared] = [f for f in run.data.report.findings if f.code == "compared"]
    assert "60 of 60 users (100%)" in compared.sentence


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
