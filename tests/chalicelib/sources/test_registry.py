"""Names as the tools really write them; the tests of intake say what follows from them."""

from __future__ import annotations

import pytest

from chalicelib.sources import registry

QUERY = "01b2e8a5-0604-8d8c-0000-00017d5e8b21"
PART = "part-00000-tid-5196563791502273604-c2233d6c-4a82-4d2f-8a9d-6b6f5a1f7a52-6-1-c000.csv"


@pytest.mark.parametrize(
    ("name", "marker", "commit", "manifest"),
    [
        ("_SUCCESS", True, False, False),
        ("_SUCCESS.csv", False, False, False),
        ("_committed_5196563791502273604", False, True, False),
        ("_committed_vacuum8431", False, False, False),
        ("_started_5196563791502273604", False, False, False),
        ("ordersmanifest", False, False, True),
        ("Orders_MANIFEST", False, False, True),
        ("manifests.csv", False, False, False),
        (PART, False, False, False),
    ],
)
def test_files_that_control_an_export_are_told_from_data(
    name: str, marker: bool, commit: bool, manifest: bool
) -> None:
    asked = (
        registry.is_marker(name),
        registry.committed(name) is not None,
        registry.is_manifest(name),
    )
    assert asked == (marker, commit, manifest)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (".part-0.csv.crc", "a checksum file"),
        ("_started_1", "a transaction marker of Databricks"),
        ("_committed_vacuum8431", "a transaction marker of Databricks"),
        ("committed_1.csv", None),
    ],
)
def test_files_without_rows_are_known_by_name(name: str, what: str | None) -> None:
    assert registry.noise(name) == what


@pytest.mark.parametrize(
    ("path", "unload"),
    [
        (f"run1/data_{QUERY}_0_1_0.snappy.parquet", QUERY),
        (PART, "5196563791502273604"),
        ("data_0_0_0.csv.gz", None),
    ],
)
def test_an_unload_is_named_by_its_files(path: str, unload: str | None) -> None:
    assert registry.unload_id(path) == unload


def test_every_tool_is_listed_once() -> None:
    names = [tool.name for tool in registry.TOOLS]
    assert len(names) == len(set(names)) > 0
