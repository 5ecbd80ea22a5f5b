from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recdrop.recommender import ModelFileError, Query, fit, load
from tests.recdrop.recommender.worlds import two_circles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fit("user-personalization-v2", two_circles()).save(tmp_path / "model")
    return tmp_path / "model"


def _bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_the_same_data_and_seed_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    fit("user-personalization-v2", two_circles()).save(tmp_path / "again")
    assert _bytes(folder) == _bytes(tmp_path / "again")


def test_a_loaded_model_saves_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    load(folder).save(tmp_path / "copy")
    assert _bytes(folder) == _bytes(tmp_path / "copy")


def test_a_model_replaces_the_one_of_its_name(folder: Path) -> None:
    fit("popularity-count", two_circles()).save(folder)
    assert load(folder).recipe == "popularity-count"


def test_nothing_is_pickled(folder: Path) -> None:
    for file in folder.glob("*.npy"):
        assert np.load(file, allow_pickle=False).dtype != object


def test_a_truncated_file_is_named(folder: Path) -> None:
    file = folder / "weights.npy"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ModelFileError, match=r"weights\.npy has \d+ bytes\. Expected \d+"):
        load(folder)


def test_a_changed_byte_is_found(folder: Path) -> None:
    file = folder / "weights.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ModelFileError, match=r"does not have the checksum"):
        load(folder)


def test_a_missing_array_is_named(folder: Path) -> None:
    (folder / "popularity.npy").unlink()
    with pytest.raises(ModelFileError, match=r"popularity\.npy is not there"):
        load(folder)


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"model\.json is not there"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ('{"format": "other"}', "has format 'other'"),
        ("[]", "has format 'list'"),
        ('{"format": "recommender-model", "version": 99}', "has version 99"),
        ('{"format": "recommender-model", "version": 3}', "no header or no arrays"),
    ],
)
def test_a_foreign_manifest_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelFileError, match=message):
        load(folder)


def test_an_array_name_that_leaves_the_folder_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    manifest["arrays"]["../outside"] = {"bytes": 1, "sha256": ""}
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFileError, match=r"is no array name"):
        load(folder)


def test_an_unknown_recipe_in_a_file_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    manifest["header"]["recipe"] = "magic"
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFileError, match=r"has recipe 'magic'"):
        load(folder)


def test_a_mapped_model_answers_as_the_trained_one(folder: Path) -> None:
    query = Query(user_id="user-003")
    assert load(folder).recommend(query, 3) == fit(
        "user-personalization-v2", two_circles()
    ).recommend(query, 3)
