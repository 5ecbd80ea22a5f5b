from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recdrop.service.jobs.process import WorkerProcess
from recdrop.service.jobs.sweeping import Sweeper
from recdrop.service.resources.store import Store


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


def test_what_nothing_refers_to_is_swept_after_a_while(tmp_path: Path) -> None:
    now = 0.0
    store = Store(tmp_path / "db")
    for name in ("1-1", "2-1"):
        (tmp_path / "jobs" / name).mkdir(parents=True)
    sweeper = Sweeper(store, tmp_path / "jobs", lambda: now)
    sweeper.sweep(busy=["2-1"])
    assert len(list((tmp_path / "jobs").iterdir())) == 2
    now = 61.0
    sweeper.sweep(busy=["2-1"])
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["2-1"]
    store.close()
