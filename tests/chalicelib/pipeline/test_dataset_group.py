from __future__ import annotations

import msgspec
import pytest

from chalicelib import layout
from chalicelib.documents import ExportSet, GroupRecord, ImportDataset, Prepared
from chalicelib.errors import ConfigurationError
from chalicelib.pipeline import dataset_group
from chalicelib.runs import Run
from tests.chalicelib.shop import Tasks
from tests.chalicelib.town import Town, persist


def prepare(run: Run) -> Prepared:
    return persist(lambda: dataset_group.prepare_group(run.context, Tasks(run).event))


def test_a_prepared_group_has_its_tracker_and_filters_in_the_ledger(promoted: Run) -> None:
    prepared = prepare(promoted)
    assert prepared.datasets == ("interactions", "items")
    assert prepared.solutions == ("for-you", "similar")
    record = promoted.record
    assert record.event_tracker_id
    assert record.filters.keys() == {"tea-only"}


def test_an_import_remembers_what_it_kept_back_and_the_popular_list(promoted: Run) -> None:
    held = promoted.ledger.data("promoted")
    assert held is not None
    assert held.run == promoted.name
    assert held.withheld is not None
    assert promoted.work.head(held.withheld) is not None
    popular = promoted.ledger.popular("promoted")
    assert popular is not None
    assert promoted.work.head(popular.key) is not None


def test_a_retraining_imports_nothing(town: Town) -> None:
    nothing = ExportSet(
        group="retrained", datasets={}, mode="INCREMENTAL", complete_by="retraining"
    )
    run = town.begin_run("retrained", export=nothing)
    town.write_data(run)
    assert prepare(run).datasets == ()


def test_a_recipe_of_another_back_end_is_refused_by_name(town: Town) -> None:
    run = town.begin_run("ratings", '[[solution]]\nname = "stars"\nrecipe = "svd"\n')
    town.write_data(run)
    with pytest.raises(ConfigurationError, match=r"'stars' asks for recipe 'svd'.* sagemaker"):
        prepare(run)


def test_items_alone_are_remembered_for_the_next_export_to_be_compared_with(promoted: Run) -> None:
    before = promoted.ledger.data("promoted")
    assert before is not None
    run = Run(promoted.context, "items-only", "promoted")
    town_export = ExportSet(group="promoted", datasets={}, mode="FULL", complete_by="quiet")
    run.work.write_json(layout.export_set(run.name), town_export)
    run.work.write_json(
        layout.data_report(run.name), msgspec.structs.replace(promoted.data, datasets=("items",))
    )
    source = layout.clean("promoted", "items", promoted.name)
    for key in run.work.keys(source):
        run.work.write(
            layout.clean("promoted", "items", run.name) + layout.file_name(key), run.work.read(key)
        )
    event = ImportDataset(run=run.name, group="promoted", dataset="items")
    persist(lambda: dataset_group.import_dataset(promoted.context, event))
    held = promoted.ledger.data("promoted")
    assert held is not None
    assert (held.run, held.withheld) == ("items-only", before.withheld)
    promoted.ledger.record_data("promoted", before)


def test_the_api_is_told_what_the_config_names_first_and_what_left_it_last(town: Town) -> None:
    run = town.begin_run(
        "renamed",
        """
[serving]
personal = "new"
[[solution]]
name = "more"
recipe = "aws-hrnn"
[[solution]]
name = "new"
recipe = "aws-user-personalization-v2"
""",
    )
    town.write_data(run)
    before = GroupRecord(group="renamed", run="before", solutions=("a-left", "more"))
    run.ledger.record_group(0, before)
    prepare(run)
    known = run.ledger.group("renamed")
    assert known is not None
    assert known.solutions == ("more", "new", "a-left")
    assert known.defaults == {"personal": "new"}

    run.ledger.retire_others("renamed", "another-run", ("nothing",))
    assert run.ledger.group("renamed") == known
    run.ledger.retire_others("renamed", run.name, run.config.answering)
    retired = msgspec.structs.replace(known, solutions=("more", "new"))
    assert run.ledger.group("renamed") == retired
