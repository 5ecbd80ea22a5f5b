"""Jobs in worker processes: bounded in number, kept when one dies, taken up again after a restart.

A worker is a Python process that reads the path of a job folder per line and answers when it is
through. It is used again for the next job; a job that is to be stopped, or that takes the process
down, costs only its own process.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from recdrop.personalize.lifecycle import is_awaited
from recdrop.personalize.store import Job, Store

MOST_ATTEMPTS = 3
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `value` on success, else the reason in `failure`."""

    value: Mapping[str, Any] | None = None
    failure: str | None = None


class Runner(Protocol):
    """Does one job at a time."""

    def run(self, folder: Path) -> Outcome: ...
    def stop(self) -> None: ...


class WorkerProcess:
    """A runner in a process of its own, started when first needed."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, when there is one."""
        return self._process.pid if self._process else None

    def run(self, folder: Path) -> Outcome:
        process = self._started()
        try:
            _stream(process.stdin).write(f"{folder}\n")
            _stream(process.stdin).flush()
            answer = _stream(process.stdout).readline()
        except (BrokenPipeError, ValueError):
            answer = ""
        if not answer:
            code = process.wait()
            self.stop()
            return Outcome(
                failure=f"The worker process ended with exit code {code}. {_last_line(self._log)}".strip()
            )
        return _read_outcome(folder)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        _stream(process.stdout).close()
        with contextlib.suppress(BrokenPipeError):  # it died with a line still on its way
            _stream(process.stdin).close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "recdrop.personalize.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    env={"AWS_EC2_METADATA_DISABLED": "true", **os.environ, "PYTHONPATH": path},
                )
        return self._process


class JobPool:
    """Takes queued jobs from the store, oldest first, and reports how they ended through `settle`."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        settle: Callable[[Job, Outcome], None],
        make_runner: Callable[[], Runner],
        common: Mapping[str, Any],
    ) -> None:
        self._store = store
        self._folder = folder
        self._settle = settle
        self._make_runner = make_runner
        self._common = common
        self._wake = threading.Condition()
        self._closing = False
        self._running: dict[int, tuple[Job, Runner]] = {}
        self._threads: list[threading.Thread] = []
        self._folder.mkdir(parents=True, exist_ok=True)

    def recover(self) -> None:
        """Jobs that were under way when the server ended are queued again; too often interrupted,
        they fail.
        """
        with self._store.transaction() as tx:
            interrupted = tx.jobs("running")
            for job in interrupted:
                shutil.rmtree(self._attempt_folder(job), ignore_errors=True)
                tx.mark_job(job, "done" if job.attempt >= MOST_ATTEMPTS else "queued")
        for job in interrupted:
            if job.attempt >= MOST_ATTEMPTS:
                self._settle(job, Outcome(failure=f"The job was interrupted {job.attempt} times."))

    def start(self, slots: int) -> None:
        for number in range(slots):
            thread = threading.Thread(
                target=self._serve, name=f"personalize-jobs-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """Something was committed: there may be a job to begin, or one that nobody waits for any
        more.
        """
        with self._wake:
            self._wake.notify_all()
            for job, runner in list(self._running.values()):
                resource = self._store.get(job.arn)
                if resource is None or not is_awaited(resource, job):
                    runner.stop()

    def run_queued(self, runner: Runner) -> bool:
        """Does the oldest queued job in this thread; False when there is none."""
        job = self._take()
        if job is None:
            return False
        folder = self._attempt_folder(job)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "job.json").write_text(
            json.dumps({**job.spec, **self._common, "output": folder.name})
        )
        with self._wake:
            self._running[job.id] = (job, runner)
        outcome = runner.run(folder)
        with self._wake:
            del self._running[job.id]
        if not self._closing:
            self._settle(job, outcome)
        return True

    def busy_folders(self) -> list[str]:
        """Names of the folders of running jobs."""
        with self._wake:
            return [self._attempt_folder(job).name for job, _ in self._running.values()]

    def close(self) -> None:
        with self._wake:
            self._closing = True
            for _, runner in self._running.values():
                runner.stop()
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)

    def _serve(self) -> None:
        runner = self._make_runner()
        while not self._closing:
            if not self.run_queued(runner):
                with self._wake:
                    if not self._closing:
                        self._wake.wait(timeout=0.5)
        runner.stop()

    def _take(self) -> Job | None:
        if self._closing or not self._store.query(
            "SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1"
        ):
            return None
        with self._store.transaction() as tx:
            for job in tx.jobs("queued"):
                resource = tx.get(job.arn)
                if resource is not None and is_awaited(resource, job):
                    return tx.mark_job(job, "running")
                tx.mark_job(job, "done")
        return None

    def _attempt_folder(self, job: Job) -> Path:
        return self._folder / f"{job.id}-{job.attempt}"


def _read_outcome(folder: Path) -> Outcome:
    try:
        result = json.loads((folder / "result.json").read_text())
    except (OSError, ValueError) as error:
        return Outcome(failure=f"The worker left no result: {error}")
    return Outcome(result.get("value"), result.get("failure"))


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - every worker is started with pipes
    return stream
