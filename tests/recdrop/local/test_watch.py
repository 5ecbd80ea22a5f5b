"""The watched folder: what is uploaded, when, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recdrop.local.stack import Stack
from recdrop.local.watch import Watcher
from tests.recdrop.conftest import eventually


@pytest.fixture
def watcher(stack: Stack, tmp_path: Path) -> Watcher:
    """A watcher of an empty folder and a bucket of its own, looked with by hand."""
    s3 = stack.boto_client("s3")
    bucket = f"watch-{os.urandom(4).hex()}"
    s3.create_bucket(Bucket=bucket)
    return Watcher(tmp_path, bucket, s3)


def save(watcher: Watcher, key: str, text: str = "x") -> Path:
    """Save a file in the watched folder."""
    path = watcher._folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_uploaded_when_it_has_stopped_growing(watcher: Watcher) -> None:
    path = save(watcher, "shop/interactions/a.csv")
    assert watcher.look() == []
    path.write_text("longer")
    assert watcher.look() == []
    assert watcher.look() == ["shop/interactions/a.csv"]
    assert watcher.look() == []
    body = watcher._s3.get_object(Bucket=watcher._bucket, Key="shop/interactions/a.csv")["Body"]
    assert body.read() == b"longer"


def test_manifests_come_last_and_configuration_may_lie_in_the_group(watcher: Watcher) -> None:
    for key in (
        "shop/interactions/manifest.json",
        "shop/interactions/z.csv.gz",
        "shop/recdrop.toml",
    ):
        save(watcher, key)
    watcher.look()
    assert watcher.look() == [
        "shop/interactions/z.csv.gz",
        "shop/recdrop.toml",
        "shop/interactions/manifest.json",
    ]


@pytest.mark.parametrize(
    "key",
    [
        "a.csv",
        "shop/a.csv",
        "shop/items/.hidden",
        "shop/.git/a",
        "shop/items/a.csv.part",
        "shop/items/a.csv~",
    ],
)
def test_other_files_are_left_alone(watcher: Watcher, key: str) -> None:
    save(watcher, key)
    watcher.look()
    assert watcher.look() == []


def test_a_changed_file_is_uploaded_again_and_a_known_one_is_not(
    watcher: Watcher, tmp_path: Path
) -> None:
    path = save(watcher, "shop/items/a.csv")
    watcher.look()
    watcher.look()
    again = Watcher(tmp_path, watcher._bucket, watcher._s3)
    again.look()
    assert again.look() == []
    path.write_text("changed")
    again.look()
    assert again.look() == ["shop/items/a.csv"]


def test_it_looks_by_itself(stack: Stack, tmp_path: Path) -> None:
    s3 = stack.boto_client("s3")
    s3.create_bucket(Bucket="watch-thread")
    watcher = Watcher(tmp_path / "drop", "watch-thread", s3, seconds=0.02)
    watcher.start()
    save(watcher, "shop/items/a.csv")
    eventually(lambda: s3.list_objects_v2(Bucket="watch-thread").get("Contents"))
    watcher.stop()
