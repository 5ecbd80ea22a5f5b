"""The fixtures, used by a project of somebody else's: the example, and what it does not show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recdrop.testing.campaign import code_version, loaded, snapshot
from recdrop.testing.service import running

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "personalize-tests"

SHARED = """
import boto3, os, pytest

@pytest.fixture(scope="session")
def personalize_options():
    return {"account": "111122223333"}

def test_one_makes(personalize_session):
    boto3.client("personalize").create_dataset_group(name="shared")
    boto3.client("s3").create_bucket(Bucket="shared")

def test_another_finds(personalize_session):
    [group] = boto3.client("personalize").list_dataset_groups()["datasetGroups"]
    assert ":111122223333:" in group["datasetGroupArn"]

def test_a_service_of_its_own_is_empty(personalize, personalize_clients):
    assert boto3.client("personalize").list_dataset_groups()["datasetGroups"] == []
    for client in ("control", "runtime", "events", "s3", "iam"):
        assert getattr(personalize_clients, client).meta.endpoint_url == personalize.url

def test_which_is_left_again(personalize_session):
    assert os.environ["AWS_ENDPOINT_URL_PERSONALIZE"] == personalize_session.url

@pytest.mark.personalize_faults(
    {"operation": "CreateSchema", "fault": "throttle"}, {"operation": "DeleteSchema", "fault": "delay"}
)
def test_faults_are_planned(personalize_clients):
    with pytest.raises(personalize_clients.control.exceptions.ClientError, match="Throttling"):
        personalize_clients.control.create_schema(name="s", schema="{}")

@pytest.mark.personalize(latency="realistic")
def test_realistic_takes_its_time(personalize):
    boto3.client("personalize").create_dataset_group(name="slow")
    with pytest.raises(TimeoutError, match="dataset-group/slow"):
        personalize.settle(0.1)

@pytest.mark.personalize(strict=True)
class TestStrict:
    @pytest.mark.personalize(speed=10)
    def test_the_options_of_all_marks_count(self, personalize):
        assert personalize.warnings() == []

def test_an_unknown_fault_is_refused(personalize):
    with pytest.raises(ValueError, match="Expected one of"):
        personalize.plan_faults({"operation": "CreateSchema", "fault": "bad"})
"""


def run_pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    """pytest in the folder, with our plugin alone."""
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = ["-m", "pytest", "-p", "recdrop.testing.plugin", "-W", "error", "--strict-markers"]
    return subprocess.run(
        [sys.executable, *command, "-c", os.devnull, "--rootdir", str(folder), str(folder)],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_example_project_passes(tmp_path: Path) -> None:
    for file in EXAMPLE.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


def test_services_are_shared_or_of_their_own_and_marks_say_how_they_run(tmp_path: Path) -> None:
    (tmp_path / "test_shared.py").write_text(SHARED)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


def test_the_snapshot_is_made_once_and_again_when_the_code_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = snapshot(tmp_path)
    [path] = tmp_path.iterdir()
    assert code_version() in path.name
    path.write_bytes(b"kept")
    assert snapshot(tmp_path) == b"kept"
    monkeypatch.setattr("recdrop.testing.campaign.code_version", lambda: "another")
    assert len(snapshot(tmp_path)) > len(first) // 2
    [path] = tmp_path.iterdir()
    assert "another" in path.name


def test_a_snapshot_loads_into_any_account(tmp_path: Path) -> None:
    with running(account="999988887777") as service:
        campaign = loaded(service, snapshot(tmp_path))
        assert ":999988887777:" in campaign.arn
        found = service.client("personalize-runtime").get_recommendations(
            campaignArn=campaign.arn, userId="u2"
        )
    assert found["itemList"]
