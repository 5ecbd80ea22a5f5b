"""What S3 lists, and what of it belongs to what arrived. (That it is asked for: test_inbox.)"""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from chalicelib.documents import Mode
from chalicelib.intake.keys import recognise
from chalicelib.intake.listing import look_there
from chalicelib.intake.sets import Facts
from chalicelib.ledger import TAKEN_SECONDS
from tests.chalicelib.intake.stage import DEADLINE, Stage

FOLDER = "shop/interactions/"


def looked(stage: Stage, heard: Sequence[str], mode: Mode = "FULL") -> Facts:
    """What is known of the folder after these objects' events, a moment ago."""
    ledger, drop = stage.context.ledger, stage.context.drop
    for name in heard:
        head = drop.head(FOLDER + name)
        assert head is not None
        ledger.record_arrival("shop", FOLDER + name, etag=head.etag, size=head.size)
    arrivals = {record.key: recognise(record, {}) for record in ledger.arrivals("shop")}
    return look_there(stage.context, Facts("shop", arrivals), {FOLDER}, mode, {})


def taken(stage: Stage, *names: str, run: str = "run1") -> None:
    """Objects that a run has taken."""
    looked(stage, names)
    records = stage.context.ledger.arrivals("shop")
    stage.context.ledger.claim_run("shop", run)
    stage.context.ledger.record_taken("shop", run, records)
    stage.context.ledger.clear_arrivals("shop", records)


def names(facts: Facts) -> list[str]:
    return sorted(key.removeprefix(FOLDER) for key in facts.arrivals)


@pytest.mark.parametrize(("mode", "expected"), [("FULL", "ab"), ("INCREMENTAL", "b")])
def test_what_a_run_has_taken_belongs_to_a_snapshot_only(
    stage: Stage, mode: Mode, expected: str
) -> None:
    stage.put(f"{FOLDER}a", "one")
    taken(stage, "a")
    stage.put(f"{FOLDER}b", "two")
    facts = looked(stage, ["b"], mode)
    assert names(facts) == list(expected)
    assert facts.again == ("run1" if mode == "FULL" else "")
    assert facts.is_listed


def test_what_was_taken_and_then_replaced_is_new(stage: Stage) -> None:
    stage.put(f"{FOLDER}a", "one")
    taken(stage, "a")
    stage.put(f"{FOLDER}a", "another")
    stage.put(f"{FOLDER}b", "two")
    facts = looked(stage, ["b"], "INCREMENTAL")
    assert names(facts) == ["a", "b"]


def test_what_is_dropped_anew_by_another_name_is_no_second_part(stage: Stage) -> None:
    stage.put(f"{FOLDER}a", "one")
    taken(stage, "a")
    stage.put(f"{FOLDER}again", "one")
    assert names(looked(stage, ["again"])) == ["again"]


def test_another_folder_below_is_another_export_and_a_partition_is_not(stage: Stage) -> None:
    for name in ("a", "day=1/b", "run2/c"):
        stage.put(f"{FOLDER}{name}", name)
    assert names(looked(stage, ["a"])) == ["a", "day=1/b"]


def test_a_marker_says_what_belongs_together_however_old_it_is(stage: Stage) -> None:
    stage.put(f"{FOLDER}a", "one")
    taken(stage, "a")
    stage.now += 2 * DEADLINE
    stage.put(f"{FOLDER}b", "two")
    assert names(looked(stage, ["b"])) == ["b"]
    stage.put(f"{FOLDER}_SUCCESS", "")
    assert names(looked(stage, ["_SUCCESS"])) == ["_SUCCESS", "a", "b"]


def test_an_increment_whose_event_came_again_meanwhile_is_no_arrival(stage: Stage) -> None:
    stage.put(f"{FOLDER}a", "one")
    taken(stage, "a")
    assert names(looked(stage, ["a"], "INCREMENTAL")) == []
    stage.end("run1", "failed")
    assert names(looked(stage, ["a"], "INCREMENTAL")) == ["a"]


@pytest.mark.parametrize("mode", ["FULL", "INCREMENTAL"])
def test_what_a_failed_run_had_taken_belongs_to_what_comes_after_it(
    stage: Stage, mode: Mode
) -> None:
    stage.put(f"{FOLDER}a", "one")
    taken(stage, "a")
    stage.end("run1", "failed")
    stage.put(f"{FOLDER}b", "two")
    facts = looked(stage, ["b"], mode)
    assert (names(facts), facts.again) == (["a", "b"], "")


@pytest.mark.parametrize(("mode", "expected"), [("FULL", "ab"), ("INCREMENTAL", "b")])
def test_of_a_marked_folder_what_may_have_been_appended_long_ago_is_not_appended_again(
    stage: Stage, mode: Mode, expected: str
) -> None:
    stage.put(f"{FOLDER}a", "one")
    stage.now = time.time() + TAKEN_SECONDS + 60  # by S3's clock it was written that long ago
    stage.put(f"{FOLDER}_SUCCESS", "")
    stage.put(f"{FOLDER}b", "two")
    facts = looked(stage, ["b", "_SUCCESS"], mode)
    assert [name for name in names(facts) if name != "_SUCCESS"] == list(expected)
