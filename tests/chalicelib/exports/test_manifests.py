from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.exports.manifests import ManifestError, ManifestFile, parse_commit, parse_manifest

KEY = "shop/run1/manifest.json"


def manifest(**changes: object) -> str:
    datasets = {"INTERACTIONS": [{"name": "interactions/data_0_0_0.csv.gz", "size": 10, "rows": 3}]}
    return json.dumps(
        {"version": 1, "run_id": "r", "query_id": "q", "datasets": datasets, **changes}
    )


def test_names_may_be_relative_from_the_bucket_root_or_absolute() -> None:
    names = [
        "interactions/a.csv",
        "shop/run1/interactions/b.csv",
        "s3://drop/shop/run1/interactions/c.csv",
    ]
    body = manifest(datasets={"INTERACTIONS": [{"name": n} for n in names], "items": ["i.csv"]})
    parsed = parse_manifest(KEY, body, bucket="drop")
    assert [f.key for f in parsed.datasets["interactions"]] == [
        f"shop/run1/interactions/{n}.csv" for n in "abc"
    ]
    assert parsed.datasets["items"] == (ManifestFile("shop/run1/i.csv"),)


def test_sizes_rows_mode_and_ids_are_kept() -> None:
    parsed = parse_manifest(KEY, manifest(mode="incremental"), arrived=5.0)
    assert parsed.datasets["interactions"][0] == ManifestFile(
        "shop/run1/interactions/data_0_0_0.csv.gz", 10, 3
    )
    assert (parsed.mode, parsed.run_id, parsed.query_id, parsed.arrived) == (
        "INCREMENTAL",
        "r",
        "q",
        5.0,
    )


def test_numbers_as_text_and_a_list_around_the_object_are_snowflakes_habits() -> None:
    body = "[" + manifest(datasets={"ITEMS": [{"name": "a", "size": "12", "rows": "3"}]}) + "]"
    assert parse_manifest(KEY, body.encode("utf-8-sig")).datasets["items"] == (
        ManifestFile("shop/run1/a", 12, 3),
    )


def test_redshifts_manifest_lies_in_the_dataset_folder() -> None:
    body = json.dumps(
        {"entries": [{"url": "s3://drop/shop/interactions/000", "meta": {"content_length": 7}}]}
    )
    parsed = parse_manifest("shop/interactions/000manifest", body, bucket="drop")
    assert parsed.datasets == {"interactions": (ManifestFile("shop/interactions/000", 7, None),)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xff", "is not JSON"),
        ("[]", "is a JSON list. Expected an object"),
        ("3", "is a JSON int"),
        (manifest(version=2), "has version 2. Expected 1"),
        (manifest(mode="PARTIAL"), "has mode 'PARTIAL'. Expected one of: FULL, INCREMENTAL"),
        (manifest(datasets={}), "has datasets {}. Expected an object"),
        (manifest(datasets={"CLICKS": []}), "has datasets 'CLICKS'. Expected one of: interactions"),
        (manifest(datasets={"ITEMS": 3}), "has datasets.ITEMS 3. Expected a list of files"),
        (manifest(datasets={"ITEMS": [{"size": 3}]}), 'Expected an object with "name"'),
        (
            manifest(datasets={"ITEMS": [{"name": "a", "size": -1}]}),
            "size -1. Expected a whole number",
        ),
        (
            manifest(datasets={"ITEMS": [{"name": "../../other/a"}]}),
            "Expected a file of group 'shop'",
        ),
        (
            manifest(datasets={"ITEMS": [{"name": "s3://drop/other/a"}]}),
            "Expected a file of group 'shop'",
        ),
        (
            manifest(datasets={"ITEMS": [{"name": "s3://elsewhere/shop/a"}]}),
            "Expected a file of bucket 'drop'",
        ),
        (json.dumps({"entries": 3}), "lies in no dataset folder"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_wrong_manifest_names_value_and_expectation(body: str | bytes, message: str) -> None:
    with pytest.raises(ManifestError) as error:
        parse_manifest(KEY, body, bucket="drop")
    assert message in str(error.value)


def test_a_commit_names_its_added_files() -> None:
    assert parse_commit("shop/items/_committed_1", '{"added": ["part-0.csv"], "removed": []}') == (
        "shop/items/part-0.csv",
    )
    with pytest.raises(ManifestError, match="Expected a list of file names"):
        parse_commit("shop/items/_committed_1", "{}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "datasets", "ITEMS", "name", "entries", "url"]), inner
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values)
def test_any_json_is_a_manifest_or_a_manifest_error(value: object) -> None:
    with contextlib.suppress(ManifestError):
        assert parse_manifest(KEY, json.dumps(value)).datasets
