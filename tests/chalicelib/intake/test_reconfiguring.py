from __future__ import annotations

import msgspec
import pytest

from chalicelib import layout
from chalicelib.config import loading
from chalicelib.documents import DataRecord
from chalicelib.errors import ServiceUnavailable
from chalicelib.intake.reconfiguring import to_train
from tests.chalicelib.intake.stage import QUIET, Stage

FIRST = "[[solution]]\nname = 'for-you'\nrecipe = 'aws-user-personalization-v2'\n"
SECOND = "[[solution]]\nname = 'similar'\nrecipe = 'aws-similar-items'\n"
FILTER = """[[filter]]
name = 'new'
expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")'
"""


@pytest.fixture
def run(stage: Stage) -> str:
    """The run of a group that has imported an export with the config FIRST."""
    stage.put("shop/recdrop.toml", FIRST)
    stage.drop("shop/interactions/a.csv")
    stage.wait(QUIET)
    (run,) = stage.runs
    work = stage.context.work
    work.write(layout.data_report(run), "{}")
    work.write(layout.withheld(run), "USER_ID\n1\n")
    stage.context.ledger.record_data("shop", DataRecord(run=run, withheld=layout.withheld(run)))
    stage.end(run)
    return run


def test_a_config_alone_starts_a_run_on_the_data_there_is(stage: Stage, run: str) -> None:
    stage.drop("shop/recdrop.toml", FIRST + SECOND)
    assert stage.runs == [run]  # an export may come with it
    stage.wait(QUIET)
    _, changed = stage.runs
    assert changed.startswith(f"{run}-c")
    export = stage.export(changed)
    assert (export.complete_by, export.datasets, export.solutions) == ("config", {}, ("similar",))
    work = stage.context.work
    assert work.read(layout.config(changed)).decode() == FIRST + SECOND
    assert work.read(layout.data_report(changed)) == b"{}"
    assert work.read(layout.withheld(changed)) == b"USER_ID\n1\n"
    stage.wait(QUIET)
    assert len(stage.runs) == 2


def test_a_config_that_comes_back_is_applied_as_often_as_it_comes(stage: Stage, run: str) -> None:
    for text in (FIRST + SECOND, FIRST, FIRST + SECOND, FIRST):
        stage.drop("shop/recdrop.toml", text)
        stage.wait(QUIET)
        stage.end(stage.runs[-1])
    assert len(stage.runs) == 5
    assert stage.export(stage.runs[-1]).solutions == ()
    assert stage.export(stage.runs[-2]).solutions == ("similar",)
    assert stage.runs[0] == run


def test_a_config_whose_run_failed_is_applied_when_it_is_dropped_again(
    stage: Stage, run: str
) -> None:
    stage.drop("shop/recdrop.toml", FIRST + SECOND)
    stage.wait(QUIET)
    changed = stage.runs[-1]
    stage.end(changed, "failed")
    stage.hear("shop/recdrop.toml")
    stage.wait(QUIET)
    assert stage.runs == [run, changed, f"{changed}-2"]
    assert stage.export(f"{changed}-2").solutions == ("similar",)


def test_a_start_that_broke_off_is_the_same_run_when_it_is_tried_again(
    stage: Stage, run: str
) -> None:
    stage.put("shop/recdrop.toml", FIRST + SECOND)
    stage.machine.broken = True
    with pytest.raises(ServiceUnavailable):
        stage.wait(QUIET)
    stage.machine.broken = False
    stage.wait(QUIET)
    assert len(stage.runs) == 2
    assert stage.context.ledger.runs("shop") == stage.runs


def test_a_config_that_comes_with_an_export_is_applied_by_the_exports_run(
    stage: Stage, run: str
) -> None:
    stage.drop("shop/recdrop.toml", FIRST + SECOND)
    stage.drop("shop/interactions/b.csv", "other")
    stage.wait(QUIET)
    stage.wait(QUIET)
    assert len(stage.runs) == 2
    assert stage.export(stage.runs[1]).complete_by == "quiet"


@pytest.mark.parametrize(
    "text", [FIRST, f"# another word\n{FIRST}", f"[source]\ntimezone = 'Europe/Berlin'\n{FIRST}"]
)
def test_what_changes_nothing_of_what_is_there_starts_no_run(
    stage: Stage, run: str, text: str
) -> None:
    stage.drop("shop/recdrop.toml", text)
    stage.wait(QUIET)
    assert stage.runs == [run]


def test_a_wrong_config_is_told_of_though_nothing_waits_for_it(stage: Stage, run: str) -> None:
    stage.drop("shop/recdrop.toml", "[sources]\n")
    stage.wait(QUIET)
    assert stage.runs == [run]
    note = stage.context.ledger.note("shop")
    assert note is not None
    assert note.what == "waiting for a correction"
    assert "sources" in note.why


def test_a_group_without_data_has_nothing_to_change(stage: Stage) -> None:
    stage.drop("shop/recdrop.toml", FIRST)
    stage.wait(QUIET)
    assert stage.runs == []


@pytest.mark.parametrize(
    ("change", "trained"),
    [
        ("", ()),
        ("campaign = { min_provisioned_tps = 5 }\n", ()),
        ("gate = { detect = 0.1 }\n", ()),
        ("hpo = true\n", ("for-you",)),
        ("event_weights = { buy = 0.5 }\n", ("for-you",)),
        (FILTER, ()),
        (SECOND, ("similar",)),
    ],
)
def test_only_what_would_be_another_model_is_trained(change: str, trained: tuple[str, ...]) -> None:
    before, now = loading.load(FIRST, "shop"), loading.load(FIRST + change, "shop")
    assert to_train(before, now) == trained


def test_a_solution_that_is_to_serve_from_now_on_needs_a_version() -> None:
    serves = loading.load(FIRST, "shop")
    (solution,) = serves.solution
    hidden = msgspec.structs.replace(solution, campaign=None)
    before = msgspec.structs.replace(serves, solution=(hidden,))
    assert to_train(before, serves) == ("for-you",)
