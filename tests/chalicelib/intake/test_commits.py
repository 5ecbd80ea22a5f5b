from __future__ import annotations

import json

import pytest

from chalicelib.intake.commits import read_commit, read_commits
from chalicelib.intake.manifests import ManifestError

LOG = "shop/items/_delta_log"


def added(*names: str) -> bytes:
    return json.dumps({"added": names, "removed": []}).encode()


def entry(**actions: str) -> bytes:
    """An entry of a Delta log: a JSON line an action."""
    lines = [{"commitInfo": {"operation": "WRITE"}}]
    lines += [{what.rstrip("s"): {"path": path}} for what, path in actions.items()]
    return "\n".join(json.dumps(line) for line in lines).encode()


def test_a_commit_names_its_added_files() -> None:
    commit = read_commit("shop/items/_committed_1", added("part-0.csv"))
    assert commit.folder == "shop/items/"
    assert commit.added == {"shop/items/part-0.csv"}
    with pytest.raises(ManifestError, match="Expected a list of file names"):
        read_commit("shop/items/_committed_1", b"{}")


def test_the_newest_commit_of_a_folder_holds() -> None:
    # 20 comes after 9, though not by the alphabet.
    commits = read_commits(
        {"shop/items/_committed_20": added("new.csv"), "shop/items/_committed_9": added("old.csv")}
    )
    assert [commit.key for commit in commits] == ["shop/items/_committed_20"]


def test_the_log_of_a_table_is_played_from_its_beginning() -> None:
    (commit,) = read_commits(
        {
            f"{LOG}/{1:020}.json": entry(remove="day=1/a.parquet", add="day=1/c%20d.parquet"),
            f"{LOG}/{0:020}.json": entry(add="day=1/a.parquet", adds="b.parquet"),
        }
    )
    assert commit.folder == "shop/items/"
    assert commit.added == {"shop/items/b.parquet", "shop/items/day=1/c d.parquet"}
    assert commit.key.endswith("1.json")


def test_a_log_without_its_beginning_cannot_be_played() -> None:
    with pytest.raises(ManifestError, match="begins with version 10") as error:
        read_commits({f"{LOG}/{10:020}.json": entry(add="a.parquet")})
    assert "INSERT OVERWRITE DIRECTORY" in str(error.value)


def test_a_log_that_is_no_json_is_named() -> None:
    with pytest.raises(ManifestError, match="is not JSON lines") as error:
        read_commits({f"{LOG}/{0:020}.json": b"{"})
    assert error.value.key == f"{LOG}/{0:020}.json"
