from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import recdrop
from recdrop.service.jobs.process import WorkerProcess


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess("recdrop.personalize.worker", tmp_path / "worker.log")
    yield process
    process.stop()


def order(folder: Path, **spec: object) -> Path:
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps(spec))
    return folder


def test_an_unforeseen_error_becomes_the_reason(worker: WorkerProcess, tmp_path: Path) -> None:
    outcome = worker.run(order(tmp_path / "1-1", work="nonsense"))
    assert outcome.failure == "KeyError: 'nonsense'"
    assert "KeyError" in (tmp_path / "worker.log").read_text()


def test_a_worker_that_is_killed_costs_one_job_only(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = order(tmp_path / "1-1")
    (folder / "job.json").unlink()
    os.mkfifo(folder / "job.json")  # the worker waits here for its order

    def kill() -> None:
        while (pid := worker.pid) is None:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)

    threading.Thread(target=kill).start()
    assert (worker.run(folder).failure or "").startswith(
        "The worker process ended with exit code -9."
    )
    assert worker.run(order(tmp_path / "2-1", work="nonsense")).failure == "KeyError: 'nonsense'"


INSTALLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from recdrop.service.jobs.process import WorkerProcess
worker = WorkerProcess("recdrop.personalize.worker", Path("worker.log"))
print(worker.run(Path(sys.argv[2])).failure)
worker.stop()
"""


def test_a_worker_runs_the_package_of_its_server_wherever_that_was_started(tmp_path: Path) -> None:
    site, here = tmp_path / "site", tmp_path / "here"
    shutil.copytree(Path(recdrop.__file__).parent, site / "recdrop")
    (site / "recdrop" / "personalize" / "work" / "orders.py").write_text(
        "def do_job(order, folder):\n    raise ValueError(__file__)\n"
    )
    (here / "recdrop").mkdir(parents=True)
    (here / "recdrop" / "__init__.py").write_text("raise ImportError('not this one')")
    folder = order(tmp_path / "1-1", work="nonsense")
    command = [sys.executable, "-P", "-c", INSTALLED, str(site), str(folder)]
    done = subprocess.run(
        command, cwd=here, env={}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.startswith(f"ValueError: {site}"), done
