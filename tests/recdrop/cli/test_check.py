"""`recdrop check` and `recdrop fix`: exit codes, JSON, and an export that lies in S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recdrop.cli.check import download
from recdrop.cli.main import main
from tests.recdrop.checking.exports import rows, write

OWN = "USER_ID,ITEM_ID,TIMESTAMP"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write(tmp_path / "x", {"orders.csv": rows("customer_id,sku,ts")}) / "orders.csv"


def test_the_exit_code_says_whether_it_can_be_used(
    tmp_path: Path, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path / "good", {"interactions/a.csv": rows(OWN)})
    assert main(["check", str(good)]) == 0
    assert main(["check", str(export)]) == 1
    capsys.readouterr()
    assert main(["check", str(export), "--json"]) == 1
    config = tmp_path / "recdrop.toml"
    config.write_text(json.loads(capsys.readouterr().out)["config"])
    assert main(["check", str(export), "--config", str(config)]) == 0
    assert capsys.readouterr().out.startswith("This export can be used.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "no-such-file"], "There is no file or folder 'no-such-file'"),
        (["check"], "Missing argument 'PATH'"),
        (["check", ".", "--config", "no.toml"], "does not exist"),
        (["check", ".", "--dataset", "clicks"], "'clicks' is not one of"),
        (["fix", "."], "Missing option '-o'"),
    ],
)
def test_wrong_usage_is_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_config_that_cannot_be_read_is_3(
    tmp_path: Path, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "recdrop.toml"
    config.write_text("[sourse]")
    assert main(["check", str(export), "--config", str(config)]) == 3
    assert "Did you mean 'source'?" in capsys.readouterr().err


def test_no_colours_where_nobody_sees_them(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", str(export)])
    assert "\x1b" not in capsys.readouterr().out


def test_fix_writes_and_says_what(
    tmp_path: Path, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["fix", str(export), "-o", str(out)]) == 0
    assert "1,200 of 1,200 rows of interactions" in capsys.readouterr().out
    assert main(["check", str(out)]) == 0
    assert main(["fix", str(export), "-o", str(out)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_fix_of_what_cannot_be_used_shows_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = write(tmp_path / "interactions", {"a.csv": rows(OWN, count=50)})
    assert main(["fix", str(few), "-o", str(tmp_path / "out"), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["written"] == [str(tmp_path / "out" / "interactions" / "part-00000.csv")]
    assert "Expected at least 1,000" in told["verdict"]


class FakeS3:
    """Lists and downloads objects, as boto3's client does."""

    def __init__(self, objects: dict[str, str]) -> None:
        self.objects = objects

    def get_paginator(self, operation: str) -> FakeS3:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        assert Bucket == "drop"
        return [{"Contents": [{"Key": k}]} for k in self.objects if k.startswith(Prefix)] + [{}]

    def download_file(self, bucket: str, key: str, target: str) -> None:
        assert bucket == "drop"
        Path(target).write_text(self.objects[key])


def test_a_folder_in_s3_is_downloaded_and_its_neighbours_are_not(tmp_path: Path) -> None:
    client = FakeS3({"shop/": "", "shop/items/a.csv": "x", "shop2/items/b.csv": "y"})
    for prefix in ("shop", "shop/"):
        found = download(client, "drop", prefix, tmp_path / "shop")
        assert [path.relative_to(tmp_path).as_posix() for path in found] == ["shop/items/a.csv"]
    single = download(client, "drop", "shop/items/a.csv", tmp_path / "a.csv")
    assert [path.read_text() for path in single] == ["x"]
