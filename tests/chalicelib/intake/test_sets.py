from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.documents import Mode
from chalicelib.intake.commits import Commit
from chalicelib.intake.keys import Arrival
from chalicelib.intake.manifests import Manifest, ManifestFile
from chalicelib.intake.rules import Rules
from chalicelib.intake.sets import (
    Complete,
    Decision,
    Facts,
    Ignored,
    Rejected,
    Unlisted,
    Waiting,
    decide,
)
from tests.chalicelib.intake.drop import NOW, dropped

QUIET, DEADLINE = 120.0, 3600.0


def run(
    objects: Sequence[Arrival],
    rule: str = "auto",
    manifests: Sequence[Manifest] = (),
    mode: Mode = "FULL",
    commits: Sequence[Commit] = (),
    *,
    has_interactions: bool = True,
    is_listed: bool = True,
) -> Decision:
    arrivals = {found.key: found for found in objects}
    facts = Facts("shop", arrivals, manifests, commits, has_interactions, is_listed)
    rules = Rules("plain", "", rule, mode)
    return decide(facts, rules, NOW, quiet_seconds=QUIET, deadline_seconds=DEADLINE)


def keys_of(decision: Decision) -> list[str]:
    assert isinstance(decision, Complete), decision
    return [file.key for _, file in decision.export.files()]


def manifest(*files: ManifestFile, arrived: float = NOW, mode: Mode | None = None) -> Manifest:
    return Manifest("shop/manifest.json", {"interactions": files}, mode=mode, arrived=arrived)


def test_a_quiet_group_is_complete_with_all_its_datasets_together() -> None:
    decision = run([dropped("interactions/a.csv", age=200), dropped("items/i.csv", age=130)])
    assert keys_of(decision) == ["shop/interactions/a.csv", "shop/items/i.csv"]


def test_a_group_with_a_young_file_waits_until_it_is_quiet() -> None:
    decision = run([dropped("interactions/a.csv", age=200), dropped("items/i.csv", age=30)])
    assert isinstance(decision, Waiting)
    assert decision.until == NOW - 30 + 120


def test_the_quiet_period_of_the_config_counts() -> None:
    assert isinstance(run([dropped("interactions/a.csv", age=200)], "quiet:5m"), Waiting)
    assert isinstance(run([dropped("interactions/a.csv", age=200)], "quiet:3m"), Complete)


def test_a_manifest_completes_at_once_with_exactly_its_files() -> None:
    objects = [
        dropped("interactions/a.csv", 10),
        dropped("interactions/b.csv", 20),
        dropped("interactions/stray.csv", 5),
    ]
    files = (
        ManifestFile("shop/interactions/a.csv", 10, 3),
        ManifestFile("shop/interactions/b.csv", 20),
    )
    decision = run(objects, manifests=[manifest(*files, mode="INCREMENTAL")])
    assert keys_of(decision) == ["shop/interactions/a.csv", "shop/interactions/b.csv"]
    assert isinstance(decision, Complete)
    assert (decision.export.mode, decision.export.complete_by) == (
        "INCREMENTAL",
        "shop/manifest.json",
    )
    assert decision.export.files()[0][1].rows == 3


def test_a_manifest_before_its_parts_waits_and_the_last_part_completes_it() -> None:
    listed = manifest(ManifestFile("shop/interactions/a.csv", 10))
    waiting = run([], manifests=[listed])
    assert isinstance(waiting, Waiting)
    assert waiting.until == NOW + 3600
    assert keys_of(run([dropped("interactions/a.csv", 10)], manifests=[listed])) == [
        "shop/interactions/a.csv"
    ]


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([], "'shop/interactions/a.csv' is missing"),
        ([dropped("interactions/a.csv", 9)], "'shop/interactions/a.csv' has 9 bytes, expected 10"),
    ],
)
def test_a_manifest_that_stays_unfulfilled_is_rejected_by_name(
    objects: list[Arrival], message: str
) -> None:
    listed = manifest(ManifestFile("shop/interactions/a.csv", 10), arrived=NOW - 3601)
    decision = run(objects, manifests=[listed])
    assert isinstance(decision, Rejected)
    assert message in decision.reason
    assert "shop/manifest.json" in decision.keys


def test_a_manifest_of_no_rows_is_nothing_to_import() -> None:
    assert isinstance(run([], manifests=[manifest()]), Ignored)
    assert isinstance(
        run(
            [dropped("interactions/a.csv", 0)],
            manifests=[manifest(ManifestFile("shop/interactions/a.csv", 0))],
        ),
        Ignored,
    )


def test_with_the_rule_manifest_files_alone_wait_and_are_rejected_at_the_deadline() -> None:
    assert isinstance(run([dropped("interactions/a.csv", age=500)], "manifest"), Waiting)
    decision = run([dropped("interactions/a.csv", age=4000)], "manifest")
    assert isinstance(decision, Rejected)
    assert decision.keys == {"shop/interactions/a.csv"}


def test_with_the_rule_marker_every_folder_with_data_needs_one() -> None:
    data = [
        dropped("interactions/a.csv"),
        dropped("items/i.csv"),
        dropped("interactions/_SUCCESS", 0),
    ]
    waiting = run(data, "marker")
    assert isinstance(waiting, Waiting)
    assert "'shop/items/'" in waiting.why
    assert keys_of(run([*data, dropped("items/_SUCCESS", 0)], "marker")) == [
        "shop/interactions/a.csv",
        "shop/items/i.csv",
    ]


def test_a_marker_that_never_comes_is_missed_by_name() -> None:
    old = dropped("interactions/a.csv", age=DEADLINE)
    decision = run([old], "marker")
    assert isinstance(decision, Rejected)
    assert "no _SUCCESS in 'shop/interactions/' came within 3600 s" in decision.reason
    assert decision.keys == {old.key}


def test_with_the_rule_each_file_the_oldest_is_an_export_of_its_own() -> None:
    objects = [dropped("interactions/b.csv", age=5), dropped("interactions/a.csv", age=9)]
    assert keys_of(run(objects, "each-file")) == ["shop/interactions/a.csv"]


def test_parts_of_an_older_unload_in_the_same_folder_are_left_out_of_a_full_export() -> None:
    old, new = ("aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002")
    objects = [
        dropped(f"interactions/data_{old}_0_0_0.csv.gz", age=900),
        dropped(f"interactions/data_{old}_0_1_0.csv.gz", age=900),
        dropped(f"interactions/data_{new}_0_0_0.csv.gz", age=300),
    ]
    assert keys_of(run(objects)) == [f"shop/interactions/data_{new}_0_0_0.csv.gz"]
    assert len(keys_of(run(objects, mode="INCREMENTAL"))) == 3


def test_nothing_but_strange_files_says_why_and_is_done_with_them() -> None:
    decision = run([dropped("clicks/a.csv"), dropped("clicks/b.csv")])
    assert isinstance(decision, Ignored)
    assert "folder 'clicks' is no dataset" in decision.why
    assert decision.why.endswith("(and 1 more)")
    assert decision.keys == {"shop/clicks/a.csv", "shop/clicks/b.csv"}


def test_nothing_at_all_is_nothing_to_import() -> None:
    assert run([]) == Ignored("group 'shop' has no new file", frozenset())


def test_a_marker_alone_is_kept_for_the_files_to_come() -> None:
    decision = run([dropped("items/_SUCCESS", 0), dropped("items/empty.csv", 0)], "marker")
    assert isinstance(decision, Ignored)
    assert decision.keys == {"shop/items/empty.csv"}


def test_a_manifest_without_rows_is_done_with_so_that_the_next_has_its_turn() -> None:
    empty = ManifestFile("shop/interactions/a.csv", 0)
    for first in (manifest(arrived=NOW - 9), manifest(empty, arrived=NOW - 9)):
        decision = run([dropped("interactions/a.csv", 0)], manifests=[first])
        assert isinstance(decision, Ignored)
        assert "shop/manifest.json" in decision.keys


def test_of_two_manifests_the_older_one_has_its_turn_first() -> None:
    older = Manifest("shop/z.manifest.json", {"items": (ManifestFile("shop/items/z"),)}, None, 1.0)
    newer = Manifest("shop/a.manifest.json", {"items": (ManifestFile("shop/items/a"),)}, None, 2.0)
    decision = run([dropped("items/a"), dropped("items/z")], manifests=[newer, older])
    assert keys_of(decision) == ["shop/items/z"]


def test_empty_files_of_a_manifest_and_datasets_of_them_alone_are_left_out() -> None:
    listed = Manifest(
        "shop/manifest.json",
        {
            "interactions": (ManifestFile("shop/i/a", 0), ManifestFile("shop/i/b")),
            "items": (ManifestFile("shop/i/c", 0),),
        },
    )
    objects = [dropped("i/a", 0), dropped("i/b"), dropped("i/c", 0)]
    decision = run(objects, manifests=[listed])
    assert keys_of(decision) == ["shop/i/b"]
    assert isinstance(decision, Complete)
    assert list(decision.export.datasets) == ["interactions"]


def test_many_missing_files_are_told_by_three_and_a_count() -> None:
    listed = manifest(*(ManifestFile(f"shop/interactions/{n}") for n in range(5)))
    decision = run([], manifests=[listed])
    assert isinstance(decision, Waiting)
    assert decision.why.count("is missing") == 3
    assert decision.why.endswith("and 2 more")


def test_a_complete_export_is_done_with_its_files_and_all_that_controlled_it() -> None:
    objects = [
        dropped("interactions/a.csv"),
        dropped("interactions/_SUCCESS", 0),
        dropped("clicks/b.csv"),
        dropped("manifest.json"),
    ]
    listed = manifest(ManifestFile("shop/interactions/a.csv"))
    decision = run(objects, manifests=[listed])
    assert isinstance(decision, Complete)
    assert decision.keys == {found.key for found in objects}
    assert list(decision.ignored) == ["shop/clicks/b.csv"]


def test_a_file_of_an_export_knows_the_folder_it_came_in() -> None:
    decision = run([dropped("segment-logs/a.gz", age=500)])
    assert isinstance(decision, Complete)
    assert [(d, file.folder) for d, file in decision.export.files()] == [
        ("interactions", "segment-logs")
    ]


@settings(deadline=None)
@given(
    st.permutations(
        [
            ("interactions/a.csv", 1),
            ("interactions/b.csv", 2),
            ("items/i.csv", 3),
            ("users/u.csv", 4),
        ]
    )
)
def test_the_order_of_arrival_does_not_change_the_set(order: list[tuple[str, int]]) -> None:
    straight = run([dropped(k, s, age=500) for k, s in sorted(order)])
    shuffled = run([dropped(k, s, age=500) for k, s in order])
    assert isinstance(straight, Complete)
    assert isinstance(shuffled, Complete)
    assert straight.export.export_id == shuffled.export.export_id


@pytest.mark.parametrize("rule", ["auto", "each-file", "quiet:1m"])
def test_items_of_a_group_without_interactions_wait(rule: str) -> None:
    items = dropped("items/i.csv", age=200)
    decision = run([items], rule, has_interactions=False)
    assert isinstance(decision, Waiting)
    assert "items wait for interactions" in decision.why
    assert keys_of(run([items], rule)) == ["shop/items/i.csv"]


def test_interactions_pass_the_items_that_wait_for_them() -> None:
    items, orders = dropped("items/i.csv", age=300), dropped("interactions/a.csv", age=200)
    assert keys_of(run([items, orders], "each-file", has_interactions=False)) == [orders.key]
    listed = [
        Manifest(f"shop/{name}.json", {dataset: (ManifestFile(key),)}, None, at)
        for name, dataset, key, at in (
            ("one", "items", items.key, NOW - 100),
            ("two", "interactions", orders.key, NOW - 50),
        )
    ]
    decision = run([items, orders], manifests=listed, has_interactions=False)
    assert keys_of(decision) == [orders.key]
    assert keys_of(run([items, orders], manifests=listed)) == [items.key]


# -- what S3 lists ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["auto", "quiet:1m", "marker"])
def test_nothing_is_complete_by_its_events_alone(rule: str) -> None:
    objects = [dropped("interactions/day=1/a.csv", age=200), dropped("items/i.csv", age=130)]
    decision = run(objects, rule, is_listed=False)
    assert decision == Unlisted(frozenset({"shop/interactions/", "shop/items/"}))


def test_what_tools_write_beside_their_parts_is_reason_enough_to_look() -> None:
    markers = [
        dropped("interactions/_SUCCESS", 0),
        dropped("users/_started_4", 0),
        dropped(f"items/_delta_log/{0:020}.json"),
    ]
    decision = run(markers, is_listed=False)
    folders = {"shop/interactions/", "shop/users/", "shop/items/"}
    assert decision == Unlisted(frozenset(folders))


def test_a_marker_completes_without_a_quiet_period() -> None:
    data, marker = dropped("interactions/day=1/a.csv", age=5), dropped("interactions/_SUCCESS", 0)
    decision = run([data, marker])
    assert keys_of(decision) == [data.key]
    assert isinstance(decision, Complete)
    assert decision.export.complete_by == "marker"


@pytest.mark.parametrize(("rule", "waits"), [("marker", "_SUCCESS"), ("auto", "quiet")])
def test_a_marker_says_nothing_of_what_was_written_after_it(rule: str, waits: str) -> None:
    marker = dropped("interactions/_SUCCESS", 0, age=50)
    decision = run([dropped("interactions/a.csv", age=5), marker], rule)
    assert isinstance(decision, Waiting)
    assert waits in decision.why


def test_a_transaction_that_has_begun_is_waited_for() -> None:
    part, begun = dropped("interactions/part-0.csv", age=200), dropped("interactions/_started_7", 0)
    decision = run([part, begun])
    assert isinstance(decision, Waiting)
    assert decision.why == "waiting for _committed_7 in 'shop/interactions/'"
    commit = Commit("shop/interactions/_committed_7", "shop/interactions/", frozenset({part.key}))
    ended = run([part, begun, dropped("interactions/_committed_7")], commits=[commit])
    assert keys_of(ended) == [part.key]


def test_what_a_commit_lists_is_waited_for_and_then_missed() -> None:
    part, marked = dropped("interactions/part-0.csv"), dropped("interactions/_committed_7")
    listed = frozenset({part.key, "shop/interactions/part-1.csv"})
    commits = [Commit(marked.key, "shop/interactions/", listed)]
    waiting = run([part, marked], commits=commits)
    assert isinstance(waiting, Waiting)
    assert "'shop/interactions/part-1.csv'" in waiting.why
    old = [dropped("interactions/part-0.csv", age=4000), marked]
    rejected = run(old, commits=commits)
    assert isinstance(rejected, Rejected)
    assert rejected.keys == {part.key, marked.key}


def test_a_file_that_the_log_of_a_table_removed_is_not_imported() -> None:
    kept, gone = (dropped(f"interactions/day=1/{name}.parquet", age=200) for name in "ba")
    log = dropped(f"interactions/_delta_log/{1:020}.json")
    commits = [Commit(log.key, "shop/interactions/", frozenset({kept.key}), is_table=True)]
    decision = run([kept, gone, log], commits=commits)
    assert keys_of(decision) == [kept.key]
    assert isinstance(decision, Complete)
    assert list(decision.ignored) == [gone.key]
