"""Lets time pass for a service: takes the steps that fall due, and runs its jobs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic

from recdrop.service.jobs.pool import JobPool
from recdrop.service.jobs.process import Outcome, Runner
from recdrop.service.jobs.sweeping import Sweeper
from recdrop.service.resources.clock import Clock
from recdrop.service.resources.kinds import W
from recdrop.service.resources.lifecycle import Lifecycle
from recdrop.service.resources.store import Job, Step, Store, Transaction

_log = logging.getLogger(__name__)
LONGEST_WAIT = 3600.0  # seconds


class Engine(Generic[W]):
    """Starts no threads of its own unless `start` is called: tests drive it with `settle`.

    data_dir     job folders are made in its folder `jobs`
    make_world   what a rule sees: of a transaction, at a time of the clock
    make_runner  called once per slot
    common       what stands in every work order
    """

    def __init__(
        self,
        data_dir: Path,
        store: Store,
        lifecycle: Lifecycle[W],
        clock: Clock,
        make_world: Callable[[Transaction, float], W],
        make_runner: Callable[[], Runner],
        common: Mapping[str, Any],
    ) -> None:
        self.store = store
        self._lifecycle = lifecycle
        self._clock = clock
        self._make_world = make_world
        self._pool = JobPool(
            store,
            data_dir / "jobs",
            settle=self._settle,
            is_awaited=lifecycle.is_awaited,
            make_runner=make_runner,
            common=common,
        )
        # By the machine's clock: a service's that runs fast would sweep what a request still reads.
        self._sweeper = Sweeper(store, data_dir / "jobs", time.monotonic)
        self._wake = threading.Condition()
        self._closing = False
        self._clerk: threading.Thread | None = None
        self._pool.recover()
        self._sweeper.sweep(at_once=True)

    def start(self, slots: int | None = None) -> None:
        """Lets time pass by itself: steps are taken when due, jobs run in `slots` workers.

        The default is a worker per core.
        """
        self._pool.start(slots or os.cpu_count() or 1)
        self._clerk = threading.Thread(target=self._keep_time, name="clerk", daemon=True)
        self._clerk.start()

    def wake(self) -> None:
        """Something was committed: a step may be due earlier than the clerk thinks."""
        with self._wake:
            self._wake.notify_all()

    def take_due_steps(self) -> int:
        """Takes every step that is due; the number of them."""
        count = 0
        while self._take_step():
            count += 1
        return count

    def settle(self, runner: Runner) -> None:
        """Takes due steps and does queued jobs in this thread until nothing is left at this time."""
        while self.take_due_steps() or self._pool.run_queued(runner):
            pass

    def close(self) -> None:
        """Ends the threads and workers, and closes the store."""
        self._closing = True
        self.wake()
        self._pool.close()
        if self._clerk:
            self._clerk.join(timeout=10)
        self.store.close()

    def _take_step(self) -> bool:
        now = self._clock.now()
        # Looked at first without the writer's lock, which requests need.
        if not self.store.query("SELECT 1 FROM steps WHERE due <= ? LIMIT 1", (now,)):
            return False
        step: Step | None = None
        try:
            with self.store.transaction() as tx:
                step = tx.take_step(now)
                if step is not None:
                    # In a world where it is the time at which the step was due, which may be before
                    # now: what follows from it is due from then on.
                    self._lifecycle.take(self._make_world(tx, step.due), step)
        except Exception:  # noqa: BLE001 - one broken step must not stop the clock for all others
            _log.exception("Step %s of %s failed", step and step.action, step and step.arn)
            if step is not None:
                self._give_up(step)
        self._pool.wake()
        return step is not None

    def _give_up(self, step: Step) -> None:
        """A step that cannot be taken must not be tried for ever."""
        with self.store.transaction() as tx:
            tx.execute("DELETE FROM steps WHERE id = ?", (step.id,))
            self._lifecycle.give_up(tx, step.arn, "Internal failure, see the server's log.")

    def _keep_time(self) -> None:
        while not self._closing:
            self.take_due_steps()
            with self._wake:
                if not self._closing:
                    self._wake.wait(min(self._seconds_to_next_step(), LONGEST_WAIT))

    def _seconds_to_next_step(self) -> float:
        due = self.store.query("SELECT min(due) FROM steps")[0][0]
        return LONGEST_WAIT if due is None else self._clock.seconds_until(due)

    def _settle(self, job: Job, outcome: Outcome) -> None:
        with self.store.transaction() as tx:
            tx.mark_job(job, "done")
            world = self._make_world(tx, self._clock.now())
            self._lifecycle.settle(world, job, outcome.value, outcome.failure)
        self.wake()
        self._sweeper.sweep(self._pool.busy_folders())
