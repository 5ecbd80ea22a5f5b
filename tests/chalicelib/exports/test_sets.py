from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.config import loading
from chalicelib.config.sections import Config
from chalicelib.documents import ExportSet, SourceFile
from chalicelib.exports.manifests import Manifest, ManifestFile
from chalicelib.exports.sets import (
    Complete,
    Decision,
    Ignored,
    ObjectFact,
    Rejected,
    Waiting,
    decide,
)

NOW = 10_000.0


def fact(key: str, size: int = 10, etag: str = "e", age: float = 0.0) -> ObjectFact:
    return ObjectFact(f"shop/{key}", size, etag, NOW - age)


def config(complete: str = "auto", mode: str = "FULL") -> Config:
    return loading.load(f"[source]\ncomplete = '{complete}'\nmode = '{mode}'", "shop")


def run(
    objects: Sequence[ObjectFact],
    rule: str = "auto",
    manifests: Sequence[Manifest] = (),
    now: float = NOW,
    mode: str = "FULL",
    commits: Mapping[str, tuple[str, ...]] | None = None,
) -> Decision:
    return decide("shop", objects, config(rule, mode), now, manifests=manifests, commits=commits)


def keys_of(decision: Decision) -> list[str]:
    assert isinstance(decision, Complete), decision
    return [file.key for _, file in decision.export.files()]


def manifest(*files: ManifestFile, arrived: float = NOW, mode: str | None = None) -> Manifest:
    return Manifest("shop/manifest.json", {"interactions": files}, mode=mode, arrived=arrived)


def test_a_quiet_group_is_complete_with_all_its_datasets_together() -> None:
    decision = run([fact("interactions/a.csv", age=200), fact("items/i.csv", age=130)])
    assert keys_of(decision) == ["shop/interactions/a.csv", "shop/items/i.csv"]


def test_a_group_with_a_young_file_waits_until_it_is_quiet() -> None:
    decision = run([fact("interactions/a.csv", age=200), fact("items/i.csv", age=30)])
    assert isinstance(decision, Waiting)
    assert decision.until == NOW - 30 + 120


def test_a_late_notice_of_an_old_file_starts_the_quiet_period_anew() -> None:
    late = ObjectFact("shop/interactions/a.csv", 10, "e", NOW - 500, arrived=NOW - 1)
    assert isinstance(run([late]), Waiting)


def test_the_quiet_period_of_the_config_counts() -> None:
    assert isinstance(run([fact("interactions/a.csv", age=200)], "quiet:5m"), Waiting)
    assert isinstance(run([fact("interactions/a.csv", age=200)], "quiet:3m"), Complete)


def test_a_manifest_completes_at_once_with_exactly_its_files() -> None:
    objects = [
        fact("interactions/a.csv", 10),
        fact("interactions/b.csv", 20),
        fact("interactions/stray.csv", 5),
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
    assert keys_of(run([fact("interactions/a.csv", 10)], manifests=[listed])) == [
        "shop/interactions/a.csv"
    ]


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([], "'shop/interactions/a.csv' is missing"),
        ([fact("interactions/a.csv", 9)], "'shop/interactions/a.csv' has 9 bytes, expected 10"),
    ],
)
def test_a_manifest_that_stays_unfulfilled_is_rejected_by_name(
    objects: list[ObjectFact], message: str
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
            [fact("interactions/a.csv", 0)],
            manifests=[manifest(ManifestFile("shop/interactions/a.csv", 0))],
        ),
        Ignored,
    )


def test_with_the_rule_manifest_files_alone_wait_and_are_rejected_at_the_deadline() -> None:
    assert isinstance(run([fact("interactions/a.csv", age=500)], "manifest"), Waiting)
    decision = run([fact("interactions/a.csv", age=4000)], "manifest")
    assert isinstance(decision, Rejected)
    assert decision.keys == ("shop/interactions/a.csv",)


def test_with_the_rule_marker_every_folder_with_data_needs_one() -> None:
    data = [fact("interactions/a.csv"), fact("items/i.csv"), fact("interactions/_SUCCESS", 0)]
    waiting = run(data, "marker")
    assert isinstance(waiting, Waiting)
    assert "'shop/items/'" in waiting.why
    assert keys_of(run([*data, fact("items/_SUCCESS", 0)], "marker")) == [
        "shop/interactions/a.csv",
        "shop/items/i.csv",
    ]


def test_with_the_rule_each_file_the_oldest_is_an_export_of_its_own() -> None:
    objects = [fact("interactions/b.csv", age=5), fact("interactions/a.csv", age=9)]
    assert keys_of(run(objects, "each-file")) == ["shop/interactions/a.csv"]


def test_only_what_the_newest_databricks_commit_added_counts() -> None:
    objects = [
        fact("items/part-0.csv", age=999),
        fact("items/part-1.csv", age=999),
        fact("items/_committed_20", age=999),
    ]
    commits = {
        "shop/items/_committed_9": ("shop/items/part-0.csv",),
        "shop/items/_committed_20": ("shop/items/part-1.csv",),
    }
    decision = run(objects, commits=commits)
    assert keys_of(decision) == ["shop/items/part-1.csv"]
    assert isinstance(decision, Complete)
    assert "does not list it" in decision.ignored["shop/items/part-0.csv"]


def test_parts_of_an_older_unload_in_the_same_folder_are_left_out_of_a_full_export() -> None:
    old, new = ("aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002")
    objects = [
        fact(f"interactions/data_{old}_0_0_0.csv.gz", age=900),
        fact(f"interactions/data_{old}_0_1_0.csv.gz", age=900),
        fact(f"interactions/data_{new}_0_0_0.csv.gz", age=300),
    ]
    assert keys_of(run(objects)) == [f"shop/interactions/data_{new}_0_0_0.csv.gz"]
    assert len(keys_of(run(objects, mode="INCREMENTAL"))) == 3


def test_the_parquet_twin_of_a_csv_is_left_out() -> None:
    objects = [
        fact("x_items/personalize-dataset.csv", age=500),
        fact("x_items/personalize-dataset.parquet", age=500),
    ]
    assert keys_of(run(objects)) == ["shop/x_items/personalize-dataset.csv"]


def test_nothing_but_strange_files_says_why() -> None:
    decision = run([fact("clicks/a.csv")])
    assert isinstance(decision, Ignored)
    assert "folder 'clicks' is no dataset" in decision.why
    assert isinstance(run([]), Ignored)


def export(*files: tuple[str, str, int, str]) -> ExportSet:
    datasets: dict[str, tuple[SourceFile, ...]] = {}
    for dataset, key, size, etag in files:
        datasets[dataset] = (*datasets.get(dataset, ()), SourceFile(key, size, etag))
    return ExportSet(group="shop", datasets=datasets, mode="FULL", complete_by="quiet")


def test_the_run_id_is_the_content_and_not_the_path() -> None:
    one = export(("items", "a/1.csv", 3, '"x"'), ("items", "a/2.csv", 4, "y"))
    again = export(("items", "b/9.csv", 4, "y"), ("items", "b/1.csv", 3, "x"))
    assert one.export_id == again.export_id
    assert len(one.export_id) == 16
    assert one.export_id != export(("items", "a/1.csv", 3, "x")).export_id
    assert (
        one.export_id
        != export(("users", "a/1.csv", 3, "x"), ("users", "a/2.csv", 4, "y")).export_id
    )


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
    straight = run([fact(k, s, age=500) for k, s in sorted(order)])
    shuffled = run([fact(k, s, age=500) for k, s in order])
    assert isinstance(straight, Complete)
    assert isinstance(shuffled, Complete)
    assert straight.export.export_id == shuffled.export.export_id
