from __future__ import annotations

import pytest

from chalicelib.sources import redshift


def test_entries_become_files_of_our_manifest() -> None:
    verbose = {
        "entries": [
            {"url": "s3://drop/shop/items/0000", "meta": {"content_length": 7, "record_count": 2}},
            {"url": "s3://drop/shop/items/0001"},
        ],
        "schema": {"elements": []},
    }
    assert redshift.is_manifest(verbose)
    assert redshift.listed_files(verbose) == [
        {"name": "s3://drop/shop/items/0000", "size": 7, "rows": 2},
        {"name": "s3://drop/shop/items/0001", "size": None, "rows": None},
    ]


@pytest.mark.parametrize("entries", [3, None, "a", {"url": "x"}])
def test_what_is_no_list_is_left_to_the_reader_to_refuse(entries: object) -> None:
    assert redshift.listed_files({"entries": entries}) == entries


def test_our_own_manifest_is_none_of_redshifts() -> None:
    assert not redshift.is_manifest({"datasets": {}})
