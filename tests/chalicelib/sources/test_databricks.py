from __future__ import annotations

from chalicelib.sources import databricks


def test_commits_are_ordered_by_their_number_not_by_the_alphabet() -> None:
    keys = ["items/_committed_20", "items/_committed_9", "items/_committed_100"]
    assert sorted(keys, key=databricks.age) == [
        "items/_committed_9",
        "items/_committed_20",
        "items/_committed_100",
    ]


def test_a_commit_lists_what_it_added() -> None:
    assert databricks.added_files({"added": ["a"], "removed": ["b"]}) == ["a"]
    assert databricks.added_files({"removed": ["b"]}) is None
