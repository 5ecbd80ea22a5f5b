from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.intake import keys
from chalicelib.vocabulary.datasets import DATASETS
from tests.chalicelib.intake.drop import arrived


@pytest.mark.parametrize(
    ("key", "dataset", "path"),
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
def test_a_file_in_a_dataset_folder_is_data(key: str, dataset: str, path: str) -> None:
    found = arrived(key, mapped={"clicks": "interactions"})
    assert (found.role, found.dataset, found.path) == ("data", dataset, path)


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("shop/recdrop.toml", "config"),
        ("shop/manifest.json", "manifest"),
        ("shop/run1/manifest.json", "manifest"),
        ("shop/manifests/run1.json", "manifest"),
        ("shop/Manifests/run1.manifest.json", "manifest"),
        ("shop/interactions/000manifest", "manifest"),
        ("shop/interactions/_SUCCESS", "marker"),
        ("shop/interactions/_committed_5196563791502273604", "commit"),
        ("shop/interactions/_started_5196563791502273604", "started"),
        ("shop/interactions/_delta_log/00000000000000000000.json", "commit"),
    ],
)
def test_control_files_are_told_from_data(key: str, role: str) -> None:
    assert arrived(key, size=0).role == role


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("shop/interactions/_committed_vacuum123", 9, "Databricks"),
        ("shop/interactions/.part-0.csv.crc", 9, "checksum"),
        ("shop/interactions/.hidden", 9, "hidden"),
        ("shop/interactions/_temporary/0/part-0.csv", 9, "hidden"),
        ("shop/interactions/part-1.csv", 0, "empty"),
        ("shop/interactions/", 0, "folder marker"),
        ("shop/interactions_$folder$", 0, "folder marker"),
        ("shop/run1/recdrop.toml", 9, "folder 'run1' is no dataset"),
        ("shop/data.csv", 9, "no dataset folder"),
        ("shop/clicks/data.csv", 9, "folder 'clicks' is no dataset"),
        ("data.csv", 9, "outside any group"),
    ],
)
def test_what_is_not_imported_says_why(key: str, size: int, reason: str) -> None:
    found = arrived(key, size)
    assert found.role == "ignored"
    assert reason in found.reason


def test_the_config_is_asked_before_a_folders_own_name() -> None:
    assert keys.dataset_named("items", {"items": "actions"}) == "actions"
    assert keys.dataset_named("my_action_interactions", {}) == "action_interactions"
    assert keys.dataset_named("clicks", {}) is None


def test_the_first_folder_that_names_a_dataset_counts() -> None:
    found = arrived("shop/2026-11-21/items/users/a.csv")
    assert (found.folder, found.dataset, found.path) == ("items", "items", "users/a.csv")
    assert found.directory == "shop/2026-11-21/items/users/"


@pytest.mark.parametrize(
    ("key", "group"), [("shop/a", "shop"), ("shop/a/b", "shop"), ("shop/", ""), ("shop", "")]
)
def test_a_group_is_the_first_folder_of_a_key_that_goes_on(key: str, group: str) -> None:
    assert keys.group_of(key) == group


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_key_at_all_is_recognised(key: str) -> None:
    found = arrived(key)
    assert found.role != "data" or found.dataset in DATASETS
    assert (found.role == "ignored") == bool(found.reason)


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        ("shop/interactions/a.csv", "shop/interactions/"),
        ("shop/interactions/day=2026-01-01/hour=1/a.csv", "shop/interactions/"),
        ("shop/day=1/interactions/a.csv", "shop/day=1/interactions/"),
    ],
)
def test_partitions_are_parts_of_one_export(key: str, folder: str) -> None:
    assert arrived(key).root == folder
