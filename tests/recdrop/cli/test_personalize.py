"""`recdrop personalize save` and `load`, against a running service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from recdrop.cli.main import main
from recdrop.personalize.server import PersonalizeServer
from recdrop.service.http.hosting import hosted
from tests.recdrop.personalize.conformance.client import Client


@pytest.fixture
def services(tmp_path: Path) -> Iterator[tuple[Client, str, Client, str]]:
    """Two services: a client and an address of each."""
    here, there = (
        PersonalizeServer(tmp_path / name, s3_endpoint=None, latency="instant", slots=1)
        for name in ("here", "there")
    )
    with hosted(here) as first, hosted(there) as second:
        yield Client(here), first, Client(there), second
    here.close()
    there.close()


def test_a_group_goes_through_a_file(
    services: tuple[Client, str, Client, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here, first, there, second = services
    monkeypatch.chdir(tmp_path)
    arn = here.call("CreateDatasetGroup", name="shop")["datasetGroupArn"]
    while (
        here.call("DescribeDatasetGroup", datasetGroupArn=arn)["datasetGroup"]["status"] != "ACTIVE"
    ):
        pass
    assert main(["personalize", "save", "shop", "--endpoint-url", first]) == 0
    assert main(["personalize", "load", "shop", "--endpoint-url", second, "--json"]) == 0
    saved, _, loaded = capsys.readouterr().out.partition("\n")
    assert saved.startswith("shop is in shop.personalize")
    assert json.loads(loaded)["loaded"] == [arn]
    assert there.call("DescribeDatasetGroup", datasetGroupArn=arn)
    assert main(["personalize", "load", "shop", "--endpoint-url", second]) == 2
    assert "already exists" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "shop.personalize", "there"]


def test_what_is_not_there_is_told(
    services: tuple[Client, str, Client, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, first, _, _ = services
    assert main(["personalize", "save", "nobody", "--endpoint-url", first]) == 2
    assert main(["personalize", "load", "nowhere", "--endpoint-url", first]) == 3
    assert main(["personalize", "save", "x", "--endpoint-url", "http://127.0.0.1:9"]) == 4
    told = capsys.readouterr().err
    assert "dataset-group/nobody does not exist" in told
    assert "nowhere.personalize cannot be read" in told
