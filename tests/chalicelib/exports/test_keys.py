from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.exports import keys


@pytest.mark.parametrize(
    ("key", "dataset", "name"),
    [
        ("shop/interactions/run1/data_0_0_0.csv.gz", "interactions", "run1/data_0_0_0.csv.gz"),
        ("shop/2026-11-21/items/part-00000.csv", "items", "part-00000.csv"),
        ("shop/Users/000", "users", "000"),
        ("shop/action-interactions/a.csv", "action_interactions", "a.csv"),
        ("shop/segment-logs/src/1550000000000/x.gz", "interactions", "src/1550000000000/x.gz"),
        (
            "shop/transformed/run-1558198402129-part-r-00000",
            "interactions",
            "run-1558198402129-part-r-00000",
        ),
        (
            "shop/snowplow_recommendations_ecommerce_items/personalize-dataset.csv",
            "items",
            "personalize-dataset.csv",
        ),
        ("shop/clicks/a.csv", "interactions", "a.csv"),
        (
            "shop/interactions/date=2026-01-01/red flower+%2B.csv",
            "interactions",
            "date=2026-01-01/red flower+%2B.csv",
        ),
    ],
)
def test_a_file_in_a_dataset_folder_is_data(key: str, dataset: str, name: str) -> None:
    parsed = keys.parse_drop_key(key, {"clicks": "interactions"}, size=10)
    assert (parsed.group, parsed.role, parsed.dataset, parsed.name) == (
        "shop",
        "data",
        dataset,
        name,
    )


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("shop/recdrop.toml", "config"),
        ("shop/manifest.json", "manifest"),
        ("shop/run1/manifest.json", "manifest"),
        ("shop/manifests/run1.json", "manifest"),
        ("shop/interactions/000manifest", "manifest"),
        ("shop/interactions/_SUCCESS", "marker"),
        ("shop/interactions/_committed_5196563791502273604", "commit"),
    ],
)
def test_control_files_are_told_from_data(key: str, role: str) -> None:
    assert keys.parse_drop_key(key, size=0).role == role


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("shop/interactions/_started_5196563791502273604", 0, "Databricks"),
        ("shop/interactions/_committed_vacuum123", 9, "Databricks"),
        ("shop/interactions/.part-0.csv.crc", 9, "checksum"),
        ("shop/interactions/.hidden", 9, "hidden"),
        ("shop/interactions/_temporary/0/part-0.csv", 9, "hidden"),
        ("shop/interactions/part-1.csv", 0, "empty"),
        ("shop/interactions/", 0, "folder marker"),
        ("shop/data.csv", 9, "no dataset folder"),
        ("shop/clicks/data.csv", 9, "folder 'clicks' is no dataset"),
        ("data.csv", 9, "outside any group"),
    ],
)
def test_what_is_not_imported_says_why(key: str, size: int, reason: str) -> None:
    parsed = keys.parse_drop_key(key, size=size)
    assert parsed.role == "ignored"
    assert reason in parsed.reason


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_key_at_all_is_parsed(key: str) -> None:
    parsed = keys.parse_drop_key(key)
    assert parsed.role != "data" or parsed.dataset in keys.DATASETS
