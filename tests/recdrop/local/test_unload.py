"""The demo's export is what a warehouse would unload, and its damage is what it claims to be."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from recdrop.local import unload


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> tuple[unload.Unload, unload.Unload]:
    """Both exports of the demo."""
    folder = tmp_path_factory.mktemp("exports")
    good = unload.write_unload(folder / "good")
    return good, unload.write_unload(folder / "bad", corrupted=True)


@pytest.mark.slow
def test_the_manifest_lists_every_file_with_its_size_and_rows(
    exports: tuple[unload.Unload, unload.Unload],
) -> None:
    export, _ = exports
    listed = json.loads(export.manifest.read_text())["datasets"]
    files = {entry["name"]: entry for entries in listed.values() for entry in entries}
    paths = {str(path.relative_to(export.folder)): path for path in export.files}
    assert files.keys() == paths.keys()
    assert all(paths[name].stat().st_size == entry["size"] for name, entry in files.items())
    rows = {name.lower(): sum(e["rows"] for e in entries) for name, entries in listed.items()}
    assert rows == export.rows


@pytest.mark.slow
def test_the_damage_changes_who_bought_what_and_no_count(
    exports: tuple[unload.Unload, unload.Unload],
) -> None:
    good, bad = (rows_of(export) for export in exports)
    with duckdb.connect() as connection:
        before = f"purchased_at < '{unload.CUT}'"
        for column in ("household_id", "product_id", "purchased_at"):
            # Each column by itself is as it was: no count and no schema shows the damage.
            count = f"SELECT {column}, count(*) FROM {{}} WHERE {before} GROUP BY 1"
            difference = f"{count.format(good)} EXCEPT {count.format(bad)}"
            assert connection.execute(difference).fetchall() == []
        pair = f"SELECT household_id, product_id, purchased_at FROM {{}} WHERE {before}"
        kept = f"SELECT count(*) FROM ({pair.format(good)} INTERSECT {pair.format(bad)})"
        (same,) = connection.execute(kept).fetchone() or (0,)
    assert same < exports[0].rows["interactions"] / 50


def rows_of(export: unload.Unload) -> str:
    """The interactions of an export, as a table of DuckDB."""
    return f"read_csv('{export.folder}/interactions/*.csv.gz')"


def test_households_are_described_and_known_by_their_purchases() -> None:
    household, who = unload.households(1)[0]
    assert who.count(", ") == 2
    assert len(unload.bought_most(household, 5)) == 5


def test_a_missing_data_package_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(unload.DataMissingError, match=r"extra \[demo\].*make demo"):
        unload.data_folder()
