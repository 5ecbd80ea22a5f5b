"""A path on a disk is read as if it were a group of the drop bucket."""

from __future__ import annotations

import json
from pathlib import Path

from recdrop.checking.finding import A_MANIFEST, NOT_LISTED, find
from tests.recdrop.checking.exports import write


def test_a_folder_is_read_like_a_group(tmp_path: Path) -> None:
    found = find(
        write(
            tmp_path / "export",
            {
                "interactions/a.csv": "x",
                "2024/items/b.csv": "x",
                "interactions/_SUCCESS": "",
                "interactions/empty.csv": "",
                "recdrop.toml": "[source]",
            },
        ),
        {},
    )
    assert {f.name: f.dataset for f in found.files} == {
        "interactions/a.csv": "interactions",
        "2024/items/b.csv": "items",
    }
    assert found.ignored == {"interactions/empty.csv": "it is empty (0 bytes)"}
    assert found.config == "[source]"


def test_a_datasets_own_folder_says_what_it_holds(tmp_path: Path) -> None:
    found = find(write(tmp_path / "users", {"a.csv": "x"}), {})
    assert [(f.name, f.dataset) for f in found.files] == [("users/a.csv", "users")]


def test_loose_files_are_found_and_wait_for_a_guess(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"ratings.csv": "x", "items.csv.gz": "x", "ordrs/a.csv": "x"})
    assert {f.name: (f.dataset, f.folder) for f in find(folder, {}).files} == {
        "ratings.csv": (None, ""),
        "items.csv.gz": ("items", "items"),
        "ordrs/a.csv": (None, "ordrs"),
    }
    mapped = find(folder / "ratings.csv", {"ratings": "interactions"})
    assert [(f.dataset, f.folder) for f in mapped.files] == [("interactions", "ratings")]


def test_what_a_commit_does_not_list_is_left_out(tmp_path: Path) -> None:
    commit = json.dumps({"added": ["part-1.csv"], "removed": []})
    files: dict[str, str | bytes] = {"part-0.csv": "x", "part-1.csv": "x", "_committed_51": commit}
    found = find(write(tmp_path / "items", files), {})
    assert [f.name for f in found.files] == ["items/part-1.csv"]
    assert found.ignored == {"items/part-0.csv": "the commit _committed_51 does not list it"}


def test_of_a_table_that_was_written_twice_the_csv_counts(tmp_path: Path) -> None:
    folder = "snowplow_recommendations_ecommerce_items"
    names = [f"{folder}/personalize-dataset.{ending}" for ending in ("csv", "parquet")]
    found = find(write(tmp_path / "x", dict.fromkeys(names, "x")), {})
    assert [f.name for f in found.files] == names[:1]


def test_a_manifest_says_which_files_there_should_be(tmp_path: Path) -> None:
    listed = (
        '{"version": 1, "datasets": {"INTERACTIONS": [{"name": "s3://b/shop/interactions/b.csv"}]}}'
    )
    files: dict[str, str | bytes] = {"interactions/a.csv": "x", "run.manifest.json": listed}
    found = find(write(tmp_path, files), {})
    assert found.promised is not None
    assert list(found.promised) == ["interactions/b.csv"]
    assert found.files == ()
    assert found.ignored == {"run.manifest.json": A_MANIFEST, "interactions/a.csv": NOT_LISTED}
