from __future__ import annotations

from collections.abc import Sequence

from chalicelib.intake.commits import Commit
from chalicelib.intake.keys import Arrival
from chalicelib.intake.selection import Selection, newest_unload, select
from tests.chalicelib.intake.drop import dropped

OLD = "aaaaaaaa-0000-0000-0000-000000000002"
NEW = "aaaaaaaa-0000-0000-0000-000000000001"


def chosen(*objects: Arrival, commits: Sequence[Commit] = ()) -> Selection:
    return select(objects, commits)


def names(selection: Selection) -> list[str]:
    return [arrival.key.removeprefix("shop/") for arrival in selection.kept]


def test_data_is_kept_in_the_order_of_keys_and_the_rest_is_ignored_with_its_reason() -> None:
    found = chosen(
        dropped("items/b.csv"),
        dropped("items/a.csv"),
        dropped("items/_SUCCESS", 0),
        dropped("clicks/c.csv"),
    )
    assert names(found) == ["items/a.csv", "items/b.csv"]
    # A marker is neither data nor ignored: it controls.
    assert list(found.ignored) == ["shop/clicks/c.csv"]
    assert "no dataset" in found.ignored["shop/clicks/c.csv"]


def test_only_what_the_commit_added_counts() -> None:
    added = frozenset({"shop/items/part-1.csv"})
    commits = [Commit("shop/items/_committed_20", "shop/items/", added)]
    found = chosen(dropped("items/part-0.csv"), dropped("items/part-1.csv"), commits=commits)
    assert names(found) == ["items/part-1.csv"]
    assert found.ignored == {"shop/items/part-0.csv": "the commit _committed_20 does not list it"}


def test_a_commit_says_nothing_of_other_folders() -> None:
    added = frozenset({"shop/items/part-1.csv"})
    commits = [Commit("shop/items/_committed_9", "shop/items/", added)]
    found = chosen(dropped("items/x/a.csv"), dropped("users/a.csv"), commits=commits)
    assert names(found) == ["items/x/a.csv", "users/a.csv"]


def test_the_parquet_twin_of_a_csv_is_left_out() -> None:
    found = chosen(
        dropped("x_items/personalize-dataset.csv"),
        dropped("x_items/personalize-dataset.parquet"),
        dropped("x_items/other.parquet"),
    )
    assert names(found) == ["x_items/other.parquet", "x_items/personalize-dataset.csv"]
    assert list(found.ignored) == ["shop/x_items/personalize-dataset.parquet"]


def test_of_several_unloads_in_a_folder_the_one_that_arrived_last_counts() -> None:
    found = newest_unload(
        chosen(
            dropped(f"items/data_{OLD}_0_0_0.csv.gz", age=900),
            dropped(f"items/data_{NEW}_0_0_0.csv.gz", age=300),
            dropped(f"items/data_{NEW}_0_1_0.csv.gz", age=310),
            dropped(f"users/data_{OLD}_0_0_0.csv.gz", age=900),
            dropped("items/more.csv", age=950),
        )
    )
    assert names(found) == [
        f"items/data_{NEW}_0_0_0.csv.gz",
        f"items/data_{NEW}_0_1_0.csv.gz",
        "items/more.csv",
        f"users/data_{OLD}_0_0_0.csv.gz",
    ]
    assert found.ignored[f"shop/items/data_{OLD}_0_0_0.csv.gz"].endswith(f"folder is {NEW}")


def test_of_several_databricks_transactions_without_commits_the_newest_counts() -> None:
    found = newest_unload(
        chosen(
            dropped("items/part-00000-tid-71-c000.csv", age=900),
            dropped("items/part-00000-tid-70-c000.csv", age=300),
        )
    )
    assert names(found) == ["items/part-00000-tid-70-c000.csv"]
