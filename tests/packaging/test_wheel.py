"""The package as a stranger installs it: the wheel, in an empty environment, outside the clone.

Slow, since it builds and installs: `make test-wheel` runs it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recdrop.project import DEMO_DATA, DEMO_MARK
from tests.recdrop.conftest import fetch
from tests.workflow.shop import csv, purchases

pytestmark = pytest.mark.slow

CLONE = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")
LOCK = CLONE / "requirements" / "local.lock"
FIT = """
from recdrop.recommender import fit
print(fit.__name__)
"""


class Stranger:
    """Somebody with an empty environment and a folder of their own."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.environment, self.folder = environment, folder
        self.bin = environment / "bin"
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "PYTHON", "RECDROP_", "VIRTUAL_ENV"))
        }
        self.variables = {**inherited, "AWS_PORT": "0", "API_PORT": "0"}

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, run in the folder."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=300,
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A program that goes on."""
        return subprocess.Popen(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def site_packages(self) -> Path:
        """Where pip put it all."""
        (folder,) = self.environment.glob("lib/python*/site-packages")
        return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, which is built from the clone."""
    folder = tmp_path_factory.mktemp("dist")
    build = [str(UV), "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(folder), str(CLONE)], check=True, timeout=300)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """Somebody who installed the wheel."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    pip = [str(UV), "pip", "install", "--quiet", "--python", str(environment / "bin" / "python")]
    subprocess.run(
        [str(UV), "venv", "--quiet", "--python", sys.executable, str(environment)], check=True
    )
    # The lock only holds the versions still: what is installed is what the wheel asks for.
    subprocess.run([*pip, "--constraint", str(LOCK), str(wheel)], check=True, timeout=300)
    return Stranger(environment, tmp_path_factory.mktemp("folder"))


@pytest.fixture(scope="module")
def up(stranger: Stranger) -> Iterator[dict[str, Any]]:
    """What `recdrop up` says of the stack that it started, on a folder that the demo left."""
    (stranger.folder / DEMO_DATA).mkdir(parents=True)
    (stranger.folder / DEMO_DATA / DEMO_MARK).touch()
    with stranger.start("recdrop", "up", "--data-dir", str(DEMO_DATA), "--json") as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line == "}\n":
                    break
            yield json.loads("".join(lines))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def test_the_wheel_has_one_top_level_package_with_the_project_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [Path(name) for name in archive.namelist()]
    packages = {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")}
    assert packages == {"recdrop"}
    application = Path("recdrop", "application")
    packed = {name.relative_to(application) for name in names if name.is_relative_to(application)}
    assert packed == {
        path.relative_to(CLONE)
        for pattern in (
            "app.py",
            "requirements.txt",
            ".chalice/config.json",
            ".chalice/policies/*.json",
            "chalicelib/**/*.py",
            "infrastructure/resources.json",
            "statemachines/*.json",
        )
        for path in CLONE.glob(pattern)
    }


def test_a_module_that_is_gone_is_not_packed_from_an_earlier_build(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("recdrop/")}
    sources = {str(path.relative_to(CLONE)) for path in CLONE.glob("recdrop/**/*.py")}
    modules = {name for name in packed if name.endswith(".py") and "/application/" not in name}
    assert modules == sources


def test_site_packages_get_recdrop_and_no_other_name_of_ours(stranger: Stranger) -> None:
    installed = {path.name for path in stranger.site_packages.iterdir()}
    assert "recdrop" in installed
    assert installed.isdisjoint(
        {"local", "recommender", "chalicelib", "app.py", "infrastructure", "tests", "benchmarks"}
    )


def test_an_export_is_dropped_and_reported_on(stranger: Stranger, up: dict[str, Any]) -> None:
    (stranger.folder / "orders.csv").write_bytes(csv(purchases()))
    endpoint = {"AWS_ENDPOINT_URL": up["aws_url"]}
    drop = ("recdrop", "drop", "orders.csv", "--group", "shop", "--dataset", "interactions")
    dropped = stranger.run(*drop, "--wait", **endpoint)
    assert dropped.returncode == 0, dropped.stdout + dropped.stderr
    assert "SUCCEEDED" in dropped.stdout
    report = stranger.run("recdrop", "report", "shop", **endpoint)
    assert report.returncode == 0, report.stderr
    assert "promoted" in report.stdout
    status, _, body = fetch(
        up["api_url"] + "/recommendations/u001?group=shop&numResults=3",
        x_api_key=up["api_keys"]["ReadKey"],
    )
    assert status == 200
    assert json.loads(body)["source"] == "campaign"


def test_what_is_written_lies_in_the_folder_and_not_in_the_package(
    stranger: Stranger, up: dict[str, Any]
) -> None:
    assert up["ready"]
    written = {path.name for path in stranger.folder.iterdir()}
    assert {".recdrop", "drop"} <= written
    package = stranger.site_packages / "recdrop"
    files = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    recorded = (next(stranger.site_packages.glob("recdrop-*.dist-info")) / "RECORD").read_text()
    listed = {stranger.site_packages / line.split(",")[0] for line in recorded.splitlines()}
    assert files - listed == set()


def test_what_the_demo_left_belongs_to_the_user_from_now_on(
    stranger: Stranger, up: dict[str, Any]
) -> None:
    assert up["ready"]
    assert (stranger.folder / DEMO_DATA / "lock").exists()
    assert not (stranger.folder / DEMO_DATA / DEMO_MARK).exists()


def test_the_local_personalize_runs_by_itself(stranger: Stranger) -> None:
    command = ("python", "-u", "-m", "recdrop.personalize", "--port", "0", "--data-dir", "alone")
    with stranger.start(*command) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            url = next(word for word in said.split() if word.startswith("http")).rstrip(".,;")
            headers = {
                "X_Amz_Target": "AmazonPersonalize.ListDatasetGroups",
                "Content_Type": "application/x-amz-json-1.1",
            }
            status, _, body = fetch(url, b"{}", "POST", **headers)
        finally:
            process.terminate()
            process.wait(30)
    assert (status, json.loads(body)) == (200, {"datasetGroups": []})


def test_a_project_of_the_strangers_own_tests_itself_with_the_plugin(stranger: Stranger) -> None:
    pip = [str(UV), "pip", "install", "--quiet", "--python", str(stranger.bin / "python")]
    dev = CLONE / "requirements" / "dev.lock"
    subprocess.run([*pip, "--constraint", str(dev), "pytest"], check=True, timeout=300)
    project = stranger.folder / "shop"
    shutil.copytree(
        CLONE / "examples" / "personalize-tests",
        project,
        ignore=shutil.ignore_patterns(".pytest_cache", "__pycache__"),
    )
    # Found by itself: the wheel says that it is there.
    done = stranger.run("pytest", "-W", "error", "--rootdir", str(project), str(project))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout
    fixtures = stranger.run("pytest", "--fixtures", str(project)).stdout
    assert "trained_campaign" in fixtures


def test_the_recommender_is_a_library(stranger: Stranger) -> None:
    done = stranger.run("python", "-W", "error", "-c", FIT)
    assert (done.stdout.strip(), done.returncode) == ("fit", 0), done.stderr


def test_the_demo_without_its_data_says_which_extra_to_install(stranger: Stranger) -> None:
    assert stranger.run("recdrop", "demo", "--help").returncode == 0
    refused = stranger.run("recdrop", "demo", "--json")
    assert refused.returncode == 3
    assert "recdrop[demo]" in json.loads(refused.stdout)["error"]["message"]
    assert "Traceback" not in refused.stderr
