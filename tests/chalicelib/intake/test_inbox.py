from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest

from chalicelib import layout
from chalicelib.errors import ServiceUnavailable
from chalicelib.intake import inbox
from tests.chalicelib.intake.stage import DEADLINE, QUIET, Stage, created

EACH_FILE = "[source]\ncomplete = 'each-file'\n"
ROWS = "USER_ID,ITEM_ID,TIMESTAMP\n1,2,3\n"


def manifest(*names: str, **sizes: int) -> str:
    files = [{"name": name, "size": sizes.get(name, len(ROWS))} for name in names]
    return json.dumps({"version": 1, "datasets": {"INTERACTIONS": files}})


# -- from files to a run ---------------------------------------------------------------------------


def test_files_become_one_run_when_nothing_has_come_for_a_while(stage: Stage) -> None:
    stage.drop("shop/interactions/a.csv", ROWS)
    stage.drop("shop/items/i.csv", "ITEM_ID\n2\n")
    stage.wait(QUIET - 1)
    assert stage.runs == []
    stage.wait(1)
    (run,) = stage.runs
    assert stage.files(run) == ["shop/interactions/a.csv", "shop/items/i.csv"]
    assert (stage.export(run).complete_by, stage.export(run).mode) == ("quiet", "FULL")
    assert stage.waiting() == []


def test_an_execution_is_called_by_group_and_export_and_knows_both(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop("shop/interactions/a.csv")
    ((name, given),) = stage.machine.started.items()
    run = json.loads(given)["run"]
    assert name == f"shop-{run}"
    assert json.loads(given) == {"group": "shop", "run": run}
    assert stage.export(run).export_id == run


def test_while_it_is_not_quiet_we_ask_ourselves_to_look_again(stage: Stage) -> None:
    stage.drop("shop/interactions/a.csv")
    stage.now += 10
    stage.drop("shop/interactions/b.csv", "other")
    bodies = [json.loads(message["MessageBody"]) for message in stage.queue.sent]
    assert bodies == [{"look_again": "shop"}] * 2
    assert [message["DelaySeconds"] for message in stage.queue.sent] == [QUIET, QUIET]


def test_the_config_that_lay_there_is_pinned_for_the_run(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop("shop/interactions/a.csv")
    stage.put("shop/recdrop.toml", "[source]\nkind = 'segment'\n")
    assert stage.context.work.read(layout.config(stage.runs[0])).decode() == EACH_FILE


def test_a_config_alone_is_no_arrival(stage: Stage) -> None:
    stage.drop("shop/recdrop.toml", EACH_FILE)
    assert (stage.waiting(), stage.runs) == ([], [])


def test_every_file_of_each_file_is_a_run_of_its_own_at_once(stage: Stage) -> None:
    stage.drop("shop/interactions/a.csv", "one")
    stage.drop("shop/interactions/b.csv", "two")
    # Until now the rule was another; with the new config both are complete.
    stage.drop("shop/recdrop.toml", EACH_FILE)
    found = [stage.files(run) for run in stage.runs]
    assert found == [["shop/interactions/a.csv"], ["shop/interactions/b.csv"]]


def test_the_run_says_what_was_left_out_and_why(stage: Stage) -> None:
    stage.drop("shop/clicks/c.csv")
    assert stage.waiting() == []  # it will never be part of anything
    stage.put("shop/recdrop.toml", "[source]\ncomplete = 'marker'\n")
    stage.drop("shop/interactions/a.csv")
    stage.drop("shop/interactions/a.parquet")
    stage.drop("shop/interactions/_SUCCESS", "")
    (run,) = stage.runs
    assert stage.record(run).ignored == {
        "shop/interactions/a.parquet": "the same table lies beside it as CSV"
    }
    assert stage.waiting() == []


@pytest.mark.parametrize(
    "name", ["two words.csv", "a+b.csv", "a%2Bb.csv", "größe-尺寸.csv", f"{'x' * 960}.csv"]
)
def test_a_key_is_taken_as_it_is(stage: Stage, name: str) -> None:
    """EventBridge's keys are not encoded, unlike those that S3 sends itself."""
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop(f"shop/interactions/{name}")
    assert stage.files(stage.runs[0]) == [f"shop/interactions/{name}"]


def test_groups_do_not_see_each_other(stage: Stage) -> None:
    for group in ("shop", "club"):
        stage.put(f"{group}/recdrop.toml", EACH_FILE)
        stage.drop(f"{group}/interactions/a.csv")
    assert [stage.export(run).group for run in stage.runs] == ["shop", "club"]


# -- order, duplicates, what is gone ---------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_with_a_manifest_the_order_of_events_makes_no_difference(
    stage: Stage, order: tuple[int, ...]
) -> None:
    objects = {
        "shop/x/a.csv": ROWS,
        "shop/x/b.csv": ROWS,
        "shop/x/manifest.json": manifest("a.csv", "b.csv"),
    }
    for place in order:
        stage.drop(*list(objects.items())[place])
    (run,) = stage.runs
    assert stage.files(run) == ["shop/x/a.csv", "shop/x/b.csv"]
    assert stage.export(run).complete_by == "shop/x/manifest.json"


def test_a_manifest_does_not_wait_for_the_events_of_files_that_are_there(stage: Stage) -> None:
    stage.put("shop/x/a.csv", ROWS)
    stage.drop("shop/x/manifest.json", manifest("a.csv"))
    assert stage.files(stage.runs[0]) == ["shop/x/a.csv"]


def test_an_event_that_comes_twice_starts_no_second_run(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop("shop/interactions/a.csv")
    stage.hear("shop/interactions/a.csv")
    stage.end(stage.runs[0])
    stage.hear("shop/interactions/a.csv")
    assert len(stage.runs) == 1
    assert stage.machine.asked == 1
    assert stage.waiting() == []


def test_the_same_content_under_another_name_is_a_known_export(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop("shop/interactions/a.csv", ROWS)
    stage.end(stage.runs[0])
    stage.drop("shop/interactions/again.csv", ROWS)
    assert len(stage.runs) == 1
    assert stage.waiting() == []


def test_the_same_key_with_other_content_is_a_new_export(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop("shop/interactions/a.csv", "one")
    stage.drop("shop/interactions/a.csv", "two")
    assert len(set(stage.runs)) == 2


def test_a_drop_after_a_failed_run_is_another_attempt_of_it(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop("shop/interactions/a.csv", ROWS)
    stage.end(stage.runs[0], "failed")
    stage.drop("shop/interactions/a.csv", ROWS)
    first, second = stage.runs
    assert second == f"{first}-2"
    assert (stage.record(second).attempt, stage.record(second).export) == (2, first)
    assert stage.files(second) == stage.files(first)


def test_an_object_that_vanished_before_its_event_is_no_arrival(stage: Stage) -> None:
    stage.hear("shop/interactions/a.csv")
    assert stage.waiting() == []
    assert stage.queue.sent == []


def test_a_manifest_that_was_deleted_never_came(stage: Stage) -> None:
    stage.drop("shop/x/manifest.json", manifest("a.csv"))
    assert stage.waiting() == ["shop/x/manifest.json"]
    stage.delete("shop/x/manifest.json")
    stage.drop("shop/interactions/b.csv", ROWS)
    assert stage.waiting() == ["shop/interactions/b.csv"]
    stage.wait(QUIET)
    assert stage.files(stage.runs[0]) == ["shop/interactions/b.csv"]


def test_a_start_that_fails_is_done_when_the_message_comes_again(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.machine.broken = True
    with pytest.raises(ServiceUnavailable):
        stage.drop("shop/interactions/a.csv", ROWS)
    assert stage.waiting() == ["shop/interactions/a.csv"]
    stage.machine.broken = False
    stage.hear("shop/interactions/a.csv")
    assert len(stage.runs) == 1
    assert stage.waiting() == []


# -- manifests -------------------------------------------------------------------------------------


def test_a_manifest_waits_for_its_files_until_the_deadline(stage: Stage) -> None:
    stage.drop("shop/x/manifest.json", manifest("a.csv", "b.csv"))
    assert stage.queue.sent[-1]["DelaySeconds"] == DEADLINE
    stage.now += DEADLINE - 1
    stage.drop("shop/x/a.csv", ROWS)
    assert stage.queue.sent[-1]["DelaySeconds"] == 1
    assert (stage.runs, stage.topic.told) == ([], [])


def test_an_export_that_does_not_become_complete_is_put_aside_with_its_reason(
    stage: Stage,
) -> None:
    stage.drop("shop/x/manifest.json", manifest("a.csv", "b.csv"))
    stage.drop("shop/x/a.csv", ROWS)
    stage.wait(DEADLINE)
    assert stage.runs == []
    assert stage.waiting() == []
    (told,) = stage.topic.told
    assert told["Subject"] == "recdrop shop: export quarantined"
    assert "'shop/x/b.csv' is missing" in told["Message"]
    (key,) = stage.context.work.keys("quarantine/shop/")
    note = json.loads(stage.context.work.read(key))
    assert note["keys"] == ["shop/x/a.csv", "shop/x/manifest.json"]
    assert note["reason"] == told["Message"]


def test_a_manifest_of_empty_files_does_not_stand_before_the_next(stage: Stage) -> None:
    stage.drop("shop/x/a.csv", "")
    stage.drop("shop/x/manifest.json", manifest("a.csv", **{"a.csv": 0}))
    assert stage.waiting() == []
    stage.drop("shop/y/b.csv", ROWS)
    stage.drop("shop/y/manifest.json", manifest("b.csv"))
    assert stage.files(stage.runs[0]) == ["shop/y/b.csv"]


def test_a_broken_manifest_is_told_and_its_correction_goes_on(stage: Stage) -> None:
    stage.drop("shop/x/a.csv", ROWS)
    stage.drop("shop/x/manifest.json", "{")
    (told,) = stage.topic.told
    assert told["Subject"] == "recdrop shop: waiting for a correction"
    assert "'shop/x/manifest.json' is not JSON" in told["Message"]
    stage.drop("shop/x/manifest.json", manifest("a.csv"))
    assert stage.files(stage.runs[0]) == ["shop/x/a.csv"]


def test_a_databricks_commit_says_which_parts_count(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", "[source]\ncomplete = 'marker'\n")
    for name in ("part-0.csv", "part-1.csv"):
        stage.drop(f"shop/interactions/{name}", name)
    stage.drop(
        "shop/interactions/_committed_7", json.dumps({"added": ["part-1.csv"], "removed": []})
    )
    (run,) = stage.runs
    assert stage.files(run) == ["shop/interactions/part-1.csv"]
    assert list(stage.record(run).ignored) == ["shop/interactions/part-0.csv"]


def test_a_manifest_that_stays_broken_is_put_aside_with_its_files_and_holds_up_nobody(
    stage: Stage,
) -> None:
    stage.drop("shop/x/interactions/a.csv", ROWS)
    stage.drop("shop/x/manifest.json", "{")
    stage.drop("shop/y/b.csv", ROWS)
    stage.drop("shop/y/manifest.json", manifest("b.csv"))
    assert (stage.runs, len(stage.topic.told)) == ([], 1)  # told once
    stage.wait(DEADLINE)
    assert stage.files(stage.runs[0]) == ["shop/y/b.csv"]
    (key,) = stage.context.work.keys("quarantine/shop/")
    note = json.loads(stage.context.work.read(key))
    assert note["keys"] == ["shop/x/interactions/a.csv", "shop/x/manifest.json"]
    assert "is not JSON" in note["reason"]
    assert stage.waiting() == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("intractions/a.csv", "Did you mean 'interactions'?"),
        ("a.csv", "it lies in no dataset folder"),
    ],
)
def test_what_somebody_meant_to_be_imported_is_told_of(stage: Stage, name: str, told: str) -> None:
    stage.drop(f"shop/{name}", ROWS)
    assert [message["Subject"] for message in stage.topic.told] == [
        "recdrop shop: nothing to import"
    ]
    assert told in stage.topic.told[0]["Message"]


def test_what_tools_leave_beside_an_export_is_not_told_of(stage: Stage) -> None:
    stage.drop("shop/interactions/_started_7", "")
    stage.drop("shop/interactions/.part-0.crc", "x")
    stage.drop("shop/interactions/part-1.csv", "")
    assert stage.topic.told == []


def test_what_lies_below_a_marker_belongs_to_it_though_its_event_is_late(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", "[source]\ncomplete = 'marker'\n")
    stage.put("shop/interactions/part-1.csv", ROWS)  # there, and not heard of
    stage.drop("shop/interactions/part-0.csv", f"{ROWS}u9,i9,1700000009\n")
    stage.drop("shop/interactions/_SUCCESS", "")
    (run,) = stage.runs
    assert stage.files(run) == ["shop/interactions/part-0.csv", "shop/interactions/part-1.csv"]
    stage.drop("shop/interactions/part-1.csv", ROWS)  # the late event: nothing new
    stage.wait(QUIET)
    assert stage.runs == [run]


def test_a_snapshot_whose_last_part_comes_late_runs_again_whole(stage: Stage) -> None:
    stage.drop("shop/interactions/day=1/a.csv", "one")
    stage.wait(QUIET)
    (first,) = stage.runs
    stage.drop("shop/interactions/day=2/b.csv", "two")
    stage.wait(QUIET)
    second = stage.runs[1]
    assert stage.files(second) == ["shop/interactions/day=1/a.csv", "shop/interactions/day=2/b.csv"]
    assert stage.export(second).again == first
    assert stage.export(first).again == ""


def test_a_snapshot_that_comes_long_after_is_an_export_of_its_own(stage: Stage) -> None:
    stage.drop("shop/interactions/monday.csv", "one")
    stage.wait(QUIET)
    stage.now += DEADLINE
    stage.drop("shop/interactions/tuesday.csv", "two")
    stage.wait(QUIET)
    assert [stage.files(run) for run in stage.runs] == [
        ["shop/interactions/monday.csv"],
        ["shop/interactions/tuesday.csv"],
    ]


def test_late_increments_are_appended_alone(stage: Stage) -> None:
    for day in (1, 2):
        stage.drop(f"shop/segment-logs/abc/{day}/1.gz", f"day {day}")
        stage.wait(300)
    assert [stage.files(run) for run in stage.runs] == [
        ["shop/segment-logs/abc/1/1.gz"],
        ["shop/segment-logs/abc/2/1.gz"],
    ]
    assert {stage.export(run).mode for run in stage.runs} == {"INCREMENTAL"}
    assert stage.export(stage.runs[0]).source == "segment"
    assert "segment-logs" in stage.export(stage.runs[0]).recognised


@pytest.mark.parametrize("mode", ["FULL", "INCREMENTAL"])
def test_an_event_that_comes_after_its_part_was_taken_is_nothing_new(
    stage: Stage, mode: str
) -> None:
    stage.now = time.time()  # S3 has a clock of its own
    stage.put("shop/recdrop.toml", f"[source]\nmode = '{mode}'\n")
    stage.put("shop/interactions/late.csv", "late")
    stage.drop("shop/interactions/a.csv", ROWS)
    stage.wait(QUIET + 1)
    stage.end(stage.runs[0])
    stage.hear("shop/interactions/late.csv")
    stage.wait(DEADLINE)
    (run,) = stage.runs
    assert stage.files(run) == ["shop/interactions/a.csv", "shop/interactions/late.csv"]
    assert stage.waiting() == []
    note = stage.context.ledger.note("shop")
    assert note is not None
    assert (note.what, note.why) == ("export is known", run)


def test_what_is_dropped_again_while_its_run_goes_on_waits_for_its_end(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.drop("shop/interactions/a.csv")
    (run,) = stage.runs
    stage.hear("shop/interactions/a.csv")
    last = json.loads(stage.queue.sent[-1]["MessageBody"])
    assert last == {"hear_again": "shop/interactions/a.csv"}
    inbox.take(stage.context, last)  # it goes on still
    assert stage.runs == [run]
    stage.machine.ended[f"shop-{run}"] = "ABORTED"
    inbox.take(stage.context, last)
    assert stage.runs == [run, f"{run}-2"]


def test_an_object_that_was_deleted_meanwhile_is_no_part(stage: Stage) -> None:
    stage.drop("shop/interactions/a.csv", "one")
    stage.drop("shop/interactions/b.csv", "two")
    stage.delete("shop/interactions/b.csv")
    stage.wait(QUIET)
    assert stage.files(stage.runs[0]) == ["shop/interactions/a.csv"]


def test_a_marker_of_an_earlier_export_does_not_complete_the_next(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", "[source]\ncomplete = 'marker'\n")
    stage.drop("shop/interactions/_SUCCESS", "")
    time.sleep(1.1)  # S3 tells times to the second
    stage.drop("shop/interactions/part-0.csv")
    assert stage.runs == []
    stage.drop("shop/interactions/_SUCCESS", "")
    assert len(stage.runs) == 1


def test_a_table_is_what_its_log_says(stage: Stage) -> None:
    entry = "shop/interactions/_delta_log/{:020}.json"
    stage.drop("shop/interactions/part-0.parquet", "old")
    stage.drop("shop/interactions/part-1.parquet", "new")
    stage.drop(entry.format(0), '{"add": {"path": "part-0.parquet"}}')
    stage.put(
        entry.format(1),
        '{"remove": {"path": "part-0.parquet"}}\n{"add": {"path": "part-1.parquet"}}\n'
        '{"add": {"path": "part-2.parquet"}}',
    )
    stage.hear(entry.format(1))
    stage.wait(QUIET)
    note = stage.context.ledger.note("shop")
    assert note is not None
    assert "part-2.parquet" in note.why
    stage.drop("shop/interactions/part-2.parquet", "newest")
    stage.wait(QUIET)
    (run,) = stage.runs
    names = ["shop/interactions/part-1.parquet", "shop/interactions/part-2.parquet"]
    assert stage.files(run) == names


def test_a_config_that_comes_last_finds_what_came_before_it(stage: Stage) -> None:
    stage.drop("shop/clicks/c.csv", ROWS)
    assert stage.waiting() == []
    mapped = "[[dataset]]\nname = 'clicks'\ndataset = 'interactions'\n"
    stage.drop("shop/recdrop.toml", mapped)
    stage.wait(QUIET)
    assert stage.files(stage.runs[0]) == ["shop/clicks/c.csv"]
    stage.end(stage.runs[0])
    stage.drop("shop/recdrop.toml", f"{mapped}\n# changed\n")
    stage.wait(QUIET)
    assert len(stage.runs) == 1  # what has run is not heard again


def test_items_and_users_wait_for_the_first_interactions(stage: Stage) -> None:
    stage.drop("shop/items/things.csv")
    stage.drop("shop/users/people.csv")
    stage.wait(QUIET)
    assert stage.runs == []
    stage.drop("shop/interactions/orders.csv", ROWS)
    stage.wait(QUIET)
    (run,) = stage.runs
    assert set(stage.export(run).datasets) == {"interactions", "items", "users"}


# -- what is wrong ---------------------------------------------------------------------------------


def test_a_wrong_config_keeps_the_files_until_it_is_corrected(stage: Stage) -> None:
    stage.drop("shop/recdrop.toml", "[sourse]\n")
    stage.drop("shop/interactions/a.csv", ROWS)
    stage.wait(QUIET)
    assert stage.runs == []
    assert {told["Subject"] for told in stage.topic.told} == {
        "recdrop shop: waiting for a correction"
    }
    assert "Did you mean 'source'?" in stage.topic.told[0]["Message"]
    stage.drop("shop/recdrop.toml", EACH_FILE)
    assert stage.files(stage.runs[0]) == ["shop/interactions/a.csv"]


def test_a_config_that_is_no_utf_8_is_a_wrong_config(stage: Stage) -> None:
    stage.context.drop.write("shop/recdrop.toml", b"[group]\ndomain = '\xff'\n")
    stage.drop("shop/interactions/a.csv", ROWS)
    assert [told["Subject"] for told in stage.topic.told] == [
        "recdrop shop: waiting for a correction"
    ]


@pytest.mark.parametrize("key", ["data.csv", "my shop/interactions/a.csv", "-/items/a.csv"])
def test_an_object_outside_any_group_is_told_and_forgotten(stage: Stage, key: str) -> None:
    stage.drop(key)
    (told,) = stage.topic.told
    assert told["Subject"].endswith(": ignored")
    assert repr(key) in told["Message"]
    assert stage.context.ledger.groups() == []


def test_a_group_exists_by_its_config_and_never_by_a_stray_key(stage: Stage) -> None:
    stage.drop("shpo/orders.csv", "USER_ID\n")
    assert stage.context.ledger.catalogue() == []
    stage.drop("shop/recdrop.toml", "")
    assert [found.group for found in stage.context.ledger.catalogue()] == ["shop"]


def test_a_strange_message_is_passed_over(stage: Stage) -> None:
    inbox.take(stage.context, {"detail-type": "Object Deleted", "detail": {}})
    inbox.take(stage.context, {"surprise": 1})
    assert (stage.runs, stage.topic.told, stage.queue.sent) == ([], [], [])


# -- the Lambda ------------------------------------------------------------------------------------


def batch(*bodies: str) -> dict[str, Any]:
    """Messages of SQS as Lambda gets them."""
    records = [
        {"messageId": f"m{number}", "body": body, "eventSource": "aws:sqs"}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def damage_ledger(stage: Stage, group: str) -> str:
    """A message that fails whenever it comes, until somebody mends the ledger."""
    stage.context.ledger.table.put_item(Item={"pk": f"group#{group}", "sk": "arrival#x"})
    return json.dumps({"look_again": group})


def test_a_message_that_fails_comes_again_alone(stage: Stage) -> None:
    stage.put("shop/recdrop.toml", EACH_FILE)
    stage.put("shop/interactions/a.csv", ROWS)
    event = batch(damage_ledger(stage, "sick"), json.dumps(created("shop/interactions/a.csv")))
    answer = inbox.handle(stage.context, event, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert len(stage.runs) == 1


def test_a_batch_that_fails_as_a_whole_is_an_answer_too(stage: Stage) -> None:
    answer = inbox.handle(stage.context, batch(damage_ledger(stage, "sick")), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


# -- what the group was last told ------------------------------------------------------------------


def note_of(stage: Stage, group: str = "shop") -> tuple[str, str]:
    note = stage.context.ledger.note(group)
    assert note is not None
    assert note.at == stage.now
    return note.what, note.why


def test_a_group_that_waits_says_what_for(stage: Stage) -> None:
    stage.drop("shop/interactions/a.csv")
    what, why = note_of(stage)
    assert what == "export not complete"
    assert f"complete after {QUIET} s of quiet" in why


def test_a_run_takes_the_place_of_what_held_it_up(stage: Stage) -> None:
    stage.drop("shop/interactions/a.csv")
    stage.drop("shop/recdrop.toml", "[source]\ncomplete = 'sometimes'\n")
    what, why = note_of(stage)
    assert what == "waiting for a correction"
    assert "'sometimes'" in why
    stage.now += 1
    stage.drop("shop/recdrop.toml", EACH_FILE)
    assert note_of(stage) == ("run started", stage.runs[0])
    stage.now += 1
    stage.context.ledger.update_run(stage.runs[0], status="running")
    stage.drop("shop/interactions/a.csv")
    assert note_of(stage) == ("export is known", stage.runs[0])


def test_what_is_not_imported_is_noted_with_its_reason(stage: Stage) -> None:
    stage.drop("shop/interactions/empty.csv", "")
    what, why = note_of(stage)
    assert what == "nothing to import"
    assert "'shop/interactions/empty.csv' is not imported" in why


def test_what_belongs_to_no_group_is_noted_under_the_name_it_was_given(stage: Stage) -> None:
    stage.drop("bad group/interactions/a.csv")
    what, why = note_of(stage, "bad group")
    assert what == "ignored"
    assert "'bad group/interactions/a.csv' is not part of any group" in why
