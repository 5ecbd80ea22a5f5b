"""The shared real data, from raw file to schema. Skipped where it is absent."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from chalicelib.config.sections import Gate
from chalicelib.normalise.export.checking import check_set
from chalicelib.normalise.export.sampling import withhold
from chalicelib.normalise.export.schemas import infer_schema
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.files import Normalised, normalise_file
from tests.chalicelib.normalise.house import DATA

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data folder is absent")


def clean(
    folder: Path, path: str, dataset: str, columns: dict[str, str] | None = None
) -> Normalised:
    folder = folder / dataset
    folder.mkdir(exist_ok=True)
    rules = FileRules(columns=columns or {})
    return normalise_file(
        DATA / path, folder, dataset=dataset, key=path, file_rules=rules, now=time.time()
    )


def types(found: Normalised) -> dict[str, str]:
    report = found.report
    plan = infer_schema(
        report.dataset, report.columns, report.kept, event_types=len(report.event_types)
    )
    marks = {
        f["name"]: "textual" if f.get("textual") else "categorical" if f.get("categorical") else ""
        for f in json.loads(plan.schema)["fields"]
    }
    return {name: mark for name, mark in marks.items() if mark}


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("run-1558198402129-part-r-00000", 9522, 4), ("run-1551018703844-part-r-00000", 4308, 6)],
)
def test_segments_files_are_taken_as_they_are(
    tmp_path: Path, name: str, rows: int, columns: int
) -> None:
    report = clean(tmp_path, f"segment/{name}", "interactions").report
    assert (report.rows, report.kept, len(report.columns), report.dropped) == (
        rows,
        rows,
        columns,
        (),
    )
    assert "Product Clicked" in report.event_types


def test_movielens_needs_one_word_of_config(tmp_path: Path) -> None:
    ratings = clean(
        tmp_path,
        "movielens/ratings.csv",
        "interactions",
        {"ITEM_ID": "movieId", "EVENT_VALUE": "rating"},
    )
    movies = clean(tmp_path, "movielens/movies.csv", "items", {"ITEM_ID": "movieId"})
    assert (ratings.report.kept, movies.report.kept) == (100_836, 9_742)
    assert types(movies) == {"TITLE": "textual", "GENRES": "categorical"}
    assert check_set([ratings.report, movies.report]).verdict == "yes"


def test_the_minimal_data_set_still_trains_whole(tmp_path: Path) -> None:
    found = clean(tmp_path, "minimal/interactions.csv", "interactions")
    assert check_set([found.report]).requirements[0].have == 1000
    truth = withhold(
        [found.sampled] if found.sampled else [],
        tmp_path / "w",
        gate=Gate(),
        rows=1000,
        users_with_two=25,
    )
    assert truth.withheld is None
    assert "minimum" in truth.note


def test_travel_keeps_negative_ids_and_one_row_per_item(tmp_path: Path) -> None:
    interactions = clean(tmp_path, "travel/df_interactions.csv", "interactions")
    items = clean(tmp_path, "travel/df_item_deduplicated.csv", "items")
    assert (items.report.rows, items.report.kept) == (355, 352)
    assert interactions.report.rows == 34_853
    assert {c.code: c.rows for c in interactions.report.dropped} == {
        "early-timestamp": 1,
        "duplicate": 166,
    }
    assert ",-" in interactions.part.read_text()[:2000]
    assert types(interactions) == {"CABIN_TYPE": "categorical"}
