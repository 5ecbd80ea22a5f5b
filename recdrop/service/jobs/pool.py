"""Jobs: bounded in number, kept when the server ends, taken up again after a restart."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recdrop.service.jobs.process import Outcome, Runner
from recdrop.service.resources.store import Job, Resource, Store

MOST_ATTEMPTS = 3


class JobPool:
    """Takes queued jobs from the store, oldest first, and reports how they ended through `settle`.

    folder       where each attempt of a job gets its folder
    is_awaited   whether a resource still waits for a job; one that nobody waits for is stopped
    make_runner  called once per slot
    common       what stands in every work order beside what the job's own says
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        settle: Callable[[Job, Outcome], None],
        is_awaited: Callable[[Resource, Job], bool],
        make_runner: Callable[[], Runner],
        common: Mapping[str, Any],
    ) -> None:
        self._store = store
        self._folder = folder
        self._settle = settle
        self._is_awaited = is_awaited
        self._make_runner = make_runner
        self._common = common
        self._wake = threading.Condition()
        self._closing = False
        self._running: dict[int, tuple[Job, Runner]] = {}
        self._threads: list[threading.Thread] = []
        self._folder.mkdir(parents=True, exist_ok=True)

    def recover(self) -> None:
        """Queues the jobs again that were under way when the server ended.

        One that was interrupted too often fails: it may be what ends the server.
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
        """Does jobs in `slots` threads, each with a runner of its own."""
        for number in range(slots):
            thread = threading.Thread(target=self._serve, name=f"jobs-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """Something was committed: there may be a job to begin, or one that nobody waits for."""
        with self._wake:
            self._wake.notify_all()
            for job, runner in list(self._running.values()):
                resource = self._store.get(job.arn)
                if resource is None or not self._is_awaited(resource, job):
                    runner.stop()

    def run_queued(self, runner: Runner) -> bool:
        """Does the oldest queued job in this thread; False when there is none."""
        job = self._take()
        if job is None:
            return False
        folder = self._attempt_folder(job)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "job.json").write_text(
            json.dumps({**job.spec, **self._common, "arn": job.arn, "output": folder.name})
        )
        with self._wake:
            self._running[job.id] = (job, runner)
        outcome = runner.run(folder)
        with self._wake:
            del self._running[job.id]
        # A job that `close` stopped has no outcome: it stays "running" and is taken up again.
        if not self._closing:
            self._settle(job, outcome)
        return True

    def busy_folders(self) -> list[str]:
        """Names of the folders of running jobs."""
        with self._wake:
            return [self._attempt_folder(job).name for job, _ in self._running.values()]

    def close(self) -> None:
        """Stops what runs; those jobs are taken up again after the next start."""
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
            # A job may have lost its resource, or its resource been stopped, while it was waiting.
            for job in tx.jobs("queued"):
                resource = tx.get(job.arn)
                if resource is not None and self._is_awaited(resource, job):
                    return tx.mark_job(job, "running")
                tx.mark_job(job, "done")
        return None

    def _attempt_folder(self, job: Job) -> Path:
        return self._folder / f"{job.id}-{job.attempt}"
