from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.intake.manifests import (
    Manifest,
    ManifestError,
    ManifestFile,
    read_manifest,
)
from tests.chalicelib.intake.drop import NOW, arrived

KEY = "shop/run1/manifest.json"


def manifest(**changes: object) -> str:
    datasets = {"INTERACTIONS": [{"name": "interactions/data_0_0_0.csv.gz", "size": 10, "rows": 3}]}
    return json.dumps({"version": 1, "run_id": "r", "datasets": datasets, **changes})


def read(body: str | bytes, key: str = KEY) -> Manifest:
    text = body.encode() if isinstance(body, str) else body
    return read_manifest(arrived(key), text, "drop", {"clicks": "interactions"})


def test_names_may_be_relative_from_the_bucket_root_or_absolute() -> None:
    names = [
        "interactions/a.csv",
        "shop/run1/interactions/b.csv",
        "s3://drop/shop/run1/interactions/c.csv",
    ]
    body = manifest(datasets={"INTERACTIONS": [{"name": n} for n in names], "items": ["i.csv"]})
    parsed = read(body)
    assert [f.key for f in parsed.datasets["interactions"]] == [
        f"shop/run1/interactions/{n}.csv" for n in "abc"
    ]
    assert parsed.datasets["items"] == (ManifestFile("shop/run1/i.csv"),)


def test_sizes_rows_mode_and_time_are_kept() -> None:
    parsed = read(manifest(mode="incremental"))
    assert parsed.datasets["interactions"][0] == ManifestFile(
        "shop/run1/interactions/data_0_0_0.csv.gz", 10, 3
    )
    assert (parsed.key, parsed.mode, parsed.arrived) == (KEY, "INCREMENTAL", NOW)


def test_numbers_as_text_and_a_list_around_the_object_are_snowflakes_habits() -> None:
    body = "[" + manifest(datasets={"ITEMS": [{"name": "a", "size": "12", "rows": "3"}]}) + "]"
    assert read(body.encode("utf-8-sig")).datasets["items"] == (ManifestFile("shop/run1/a", 12, 3),)


def test_redshifts_manifest_lies_in_the_dataset_folder() -> None:
    body = json.dumps(
        {"entries": [{"url": "s3://drop/shop/interactions/000", "meta": {"content_length": 7}}]}
    )
    parsed = read(body, "shop/interactions/000manifest")
    assert parsed.datasets == {"interactions": (ManifestFile("shop/interactions/000", 7, None),)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xff", "is not JSON"),
        ("[]", "is a JSON list of 0. Expected an object"),
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
        (
            manifest(datasets={"ITEMS": [{"name": "s3://[drop/shop/a"}]}),
            "Expected a file of bucket 'drop'",
        ),
        (manifest(datasets={"ITEMS": [{"name": "s3://drop"}]}), "Expected a file of group 'shop'"),
        (json.dumps({"entries": 3}), "lies in no dataset folder"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_wrong_manifest_names_value_and_expectation(body: str | bytes, message: str) -> None:
    with pytest.raises(ManifestError) as error:
        read(body)
    assert message in str(error.value)


def test_two_sections_of_one_dataset_are_read_together() -> None:
    body = manifest(datasets={"clicks": ["a.csv"], "INTERACTIONS": ["b.csv"]})
    assert [file.key for file in read(body).datasets["interactions"]] == [
        "shop/run1/a.csv",
        "shop/run1/b.csv",
    ]


def test_redshift_entries_that_say_little_are_still_files() -> None:
    entries = [{"url": "s3://drop/shop/items/0", "meta": 3}, "s3://drop/shop/items/1"]
    parsed = read(json.dumps({"entries": entries}), "shop/items/manifest")
    assert parsed.files == [ManifestFile("shop/items/0"), ManifestFile("shop/items/1")]
    with pytest.raises(ManifestError, match=r"entries 3. Expected a list of files"):
        read(json.dumps({"entries": 3}), "shop/items/manifest")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "datasets", "ITEMS", "name", "entries", "url", "meta"]),
            inner,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values, st.sampled_from([KEY, "shop/items/000manifest"]))
def test_any_json_is_a_manifest_or_a_manifest_error(value: object, key: str) -> None:
    with contextlib.suppress(ManifestError):
        assert read(json.dumps(value), key).datasets


@pytest.mark.parametrize("form", ["lines", "list"])
def test_the_detailed_output_of_snowflake_is_a_manifest_of_its_folder(form: str) -> None:
    rows = [
        {"FILE_NAME": f"data_0_0_{n}.csv.gz", "FILE_SIZE": 10 + n, "ROW_COUNT": n} for n in (1, 2)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    found = read(json.dumps(rows) if form == "list" else lines, "shop/interactions/manifest.json")
    assert found.datasets["interactions"] == (
        ManifestFile("shop/interactions/data_0_0_1.csv.gz", 11, 1),
        ManifestFile("shop/interactions/data_0_0_2.csv.gz", 12, 2),
    )
