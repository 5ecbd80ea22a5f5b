from __future__ import annotations

import inspect
from datetime import date
from itertools import combinations

from chalicelib import layout, names
from chalicelib.vocabulary.datasets import DATASETS

ARGUMENTS = {
    "group": "shop",
    "dataset": "items",
    "run": "abc",
    "solution": "for-you",
    "side": "live",
    "index": 3,
    "moment": "20260101T000000Z",
}


def made() -> dict[str, str]:
    """Every key of the work bucket, for the same arguments."""
    found = {}
    for name, function in inspect.getmembers(layout, inspect.isfunction):
        parameters = inspect.signature(function).parameters
        if parameters.keys() <= ARGUMENTS.keys():
            found[name] = function(**{key: ARGUMENTS[key] for key in parameters})
    return found


def test_no_two_things_share_a_key_and_none_lies_in_the_folder_of_another_import() -> None:
    keys = made()
    assert len(set(keys.values())) == len(keys)
    import_folder = layout.clean("shop", "items", "abc")
    inside = [name for name, key in keys.items() if key.startswith(import_folder)]
    assert inside == ["clean", "clean_part"]  # Personalize imports all that begins so


def test_runs_and_groups_do_not_see_each_others_keys() -> None:
    folders = [layout.clean("shop", "items", run) for run in ("abc", "abc-2")]
    for one, other in combinations(folders, 2):
        assert not other.startswith(one)


def test_the_answers_of_a_batch_job_lie_where_personalize_writes_them() -> None:
    assert layout.answers_file("abc", "for-you", "live") == (
        "runs/abc/score/for-you/live/queries.json.out"
    )


def test_a_drop_lies_below_its_group() -> None:
    assert layout.dropped("shop", "items", "a/b.csv") == "shop/items/a/b.csv"
    assert layout.group_config("shop") == "shop/recdrop.toml"


def test_a_folder_that_personalize_imports_is_short_enough_for_it() -> None:
    """256 characters, the bucket's name among them."""
    group, run = "g" * names.MAX_RESOURCE, names.retraining("e" * 16, date(2026, 1, 1)) + "-12"
    longest = max(layout.clean(group, dataset, run) for dataset in DATASETS)
    assert len(f"s3://{'b' * 63}/{longest}part-00000.csv") <= 256
