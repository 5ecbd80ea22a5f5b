"""The composition: store, lifecycles, jobs and answers behind one `handle(operation, request)`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from recdrop.personalize.clock import Clock
from recdrop.personalize.control import ControlPlane
from recdrop.personalize.ingest import Ingest
from recdrop.personalize.jobs import JobPool, Outcome, Runner, WorkerProcess
from recdrop.personalize.kinds import ACTIONS, KINDS, SPECIALS
from recdrop.personalize.lifecycle import COURSES, Lifecycle
from recdrop.personalize.runtime import Runtime
from recdrop.personalize.serving import Serving
from recdrop.personalize.shown import Shown
from recdrop.personalize.specification import Operation
from recdrop.personalize.store import Job, Step, Store, Transaction
from recdrop.personalize.sweeping import Sweeper
from recdrop.personalize.world import Request, Settings, World

_log = logging.getLogger(__name__)
Answer = Mapping[str, Any]
READING = ("Describe", "List", "Get")


class Service:
    """Starts no threads of its own unless `start` is called: tests drive it with `settle`."""

    def __init__(
        self, settings: Settings, clock: Clock, make_runner: Callable[[], Runner] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._store = Store(settings.data_dir / "personalize.db")
        self._lifecycle = Lifecycle(KINDS, ACTIONS)
        self._control = ControlPlane(KINDS, SPECIALS)
        self._shown = Shown()
        self._serving = Serving(
            self._store, settings.data_dir, mixed_filters=settings.mixed_filters
        )
        self._runtime = Runtime(
            self._store,
            self._serving,
            settings.catalog,
            settings.quotas,
            self._shown,
            settings.seed,
        )
        self._ingest = Ingest(self._shown)
        self._pool = JobPool(
            self._store,
            settings.data_dir / "jobs",
            self._settle,
            make_runner or (lambda: WorkerProcess(settings.data_dir / "worker.log")),
            {
                "root": str(settings.data_dir),
                "database": str(self._store.path),
                "s3_endpoint": settings.s3_endpoint,
                "region": settings.region,
            },
        )
        self._reads: Mapping[str, Callable[[Request], Answer]] = {
            "GetRecommendations": self._runtime.recommend,
            "GetPersonalizedRanking": self._runtime.rank,
            "GetActionRecommendations": self._runtime.recommend_actions,
        }
        self._puts: Mapping[str, Callable[[World, Request], Answer]] = {
            "PutEvents": self._ingest.put_events,
            "PutActionInteractions": self._ingest.put_action_interactions,
            "PutItems": self._ingest.put_items,
            "PutUsers": self._ingest.put_users,
            "PutActions": self._ingest.put_actions,
        }
        self._wake = threading.Condition()
        self._closing = False
        self._clerk: threading.Thread | None = None
        self._sweeper = Sweeper(self._store, settings.data_dir / "jobs", time.monotonic)
        self._pool.recover()
        self._sweeper.sweep(at_once=True)

    @property
    def store(self) -> Store:
        return self._store

    def start(self, slots: int | None = None) -> None:
        """Lets time pass: steps are taken when due, jobs run in `slots` workers (default: one per
        core).
        """
        self._pool.start(slots or os.cpu_count() or 1)
        self._clerk = threading.Thread(
            target=self._keep_time, name="personalize-clock", daemon=True
        )
        self._clerk.start()

    def handle(
        self, operation: Operation, request: Request, planned_failure: str | None = None
    ) -> Answer:
        """The answer's document.

        ServiceError when the service refuses. `planned_failure` dooms what is begun.
        """
        read = self._reads.get(operation.name)
        if read is not None:
            return read(request)
        if operation.verb in READING:
            return self._control.handle(self._world(self._store.reading()), operation, request)
        put = self._puts.get(operation.name)
        with self._store.transaction() as tx:
            world = self._world(tx)
            answer = put(world, request) if put else self._control.handle(world, operation, request)
            if planned_failure is not None:
                _doom(tx, operation, answer, planned_failure)
        if not put:
            self.wake()
        return answer

    def wake(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def take_due_steps(self) -> int:
        """Takes every step that is due; the number of them."""
        count = 0
        while self._take_step():
            count += 1
        return count

    def settle(self, runner: Runner) -> None:
        """Takes due steps and does queued jobs in this thread until nothing is left to do at this
        time.
        """
        while self.take_due_steps() or self._pool.run_queued(runner):
            pass

    def close(self) -> None:
        self._closing = True
        self.wake()
        self._pool.close()
        if self._clerk:
            self._clerk.join(timeout=10)
        self._store.close()

    def _world(self, tx: Transaction, at: float | None = None) -> World:
        """`at` is when a step was due, which may be before now: what follows from it is due from
        then on.
        """
        return World(tx, self._clock.now() if at is None else at, self._settings, self._lifecycle)

    def _take_step(self) -> bool:
        now = self._clock.now()
        if not self._store.query("SELECT 1 FROM steps WHERE due <= ? LIMIT 1", (now,)):
            return False
        step: Step | None = None
        try:
            with self._store.transaction() as tx:
                step = tx.take_step(now)
                if step is not None:
                    self._lifecycle.take(self._world(tx, step.due), step)
        except Exception:  # noqa: BLE001 - one broken step must not stop the clock for all others
            _log.exception("Step %s of %s failed", step and step.action, step and step.arn)
            if step is not None:
                self._give_up(step)
        self._pool.wake()
        return step is not None

    def _give_up(self, step: Step) -> None:
        """A step that cannot be taken must not be tried for ever: its resource fails and says so."""
        with self._store.transaction() as tx:
            tx.execute("DELETE FROM steps WHERE id = ?", (step.id,))
            resource = tx.get(step.arn)
            if resource is not None and resource.status in {
                course.second for course in COURSES.values()
            } - {"ACTIVE"}:
                tx.put(
                    resource.with_doc(
                        status="CREATE FAILED",
                        failureReason="Internal failure, see the server's log.",
                    )
                )

    def _keep_time(self) -> None:
        while not self._closing:
            self.take_due_steps()
            with self._wake:
                if not self._closing:
                    self._wake.wait(min(self._seconds_to_next_step(), 3600.0))

    def _seconds_to_next_step(self) -> float:
        rows = self._store.query("SELECT min(due) FROM steps")
        return self._clock.seconds_until(rows[0][0]) if rows[0][0] is not None else 3600.0

    def _settle(self, job: Job, outcome: Outcome) -> None:
        with self._store.transaction() as tx:
            tx.mark_job(job, "done")
            self._lifecycle.settle(self._world(tx), job, outcome.value, outcome.failure)
        self.wake()
        self._sweeper.sweep(self._pool.busy_folders())


def _doom(tx: Transaction, operation: Operation, answer: Answer, reason: str) -> None:
    """Marks what a Create or Update has begun, so that it ends CREATE FAILED with the reason."""
    kind = KINDS.get(operation.noun)
    resource = tx.get(answer.get(kind.arn_member, "")) if kind else None
    if kind is not None and resource is not None:
        update = kind.update.member if operation.verb == "Update" and kind.update else None
        tx.put(resource.with_notes(planned_failure={update or "": reason}))
