"""The local Personalize behind one `handle(operation, request)`: who answers which operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recdrop.personalize.answers.runtime import Runtime
from recdrop.personalize.answers.serving import Serving
from recdrop.personalize.control.courses import BORN, COURSES
from recdrop.personalize.control.plane import ControlPlane
from recdrop.personalize.control.warnings import told
from recdrop.personalize.control.world import Settings, World
from recdrop.personalize.events.ingest import Ingest
from recdrop.personalize.events.shown import Shown
from recdrop.personalize.events.tables import TABLES
from recdrop.personalize.keeping import load, save
from recdrop.personalize.kinds.table import ACTIONS, KINDS, SPECIALS
from recdrop.personalize.metering import Meter, cloudwatch
from recdrop.service.engine import Engine
from recdrop.service.jobs.process import Runner, WorkerProcess
from recdrop.service.resources.clock import Clock
from recdrop.service.resources.lifecycle import Fate, Lifecycle, fated
from recdrop.service.resources.store import Store, Transaction
from recdrop.service.resources.world import Request
from recdrop.service.wire.specification import Operation

Answer = Mapping[str, Any]
NO_FATE = Fate()
READING = ("Describe", "List", "Get")


class Service:
    """`engine` lets its time pass; nothing happens by itself until that is started."""

    def __init__(
        self, settings: Settings, clock: Clock, make_runner: Callable[[], Runner] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._store = Store(settings.data_dir / "personalize.db", TABLES)
        self.meter = _meter(self._store, settings)
        self._lifecycle: Lifecycle[World] = Lifecycle(KINDS, COURSES, ACTIONS, self.meter.ended)
        self._control = ControlPlane(KINDS, SPECIALS)
        self._reads, self._puts = self._data_plane()
        self.engine = Engine(
            settings.data_dir,
            self._store,
            self._lifecycle,
            clock,
            self._world,
            make_runner or self._make_worker,
            {
                "root": str(settings.data_dir),
                "database": str(self._store.path),
                "s3_endpoint": settings.s3_endpoint,
                "sts_endpoint": settings.sts_endpoint,
                "region": settings.region,
            },
        )

    def handle(self, operation: Operation, request: Request, fate: Fate = NO_FATE) -> Answer:
        """The answer's document; `fate` is what becomes of what the request begins.

        Raises:
            ServiceError: the service refuses.
        """
        read = self._reads.get(operation.name)
        if read is not None:
            return read(request)
        if operation.verb in READING:
            world = self._world(self._store.reading(), self._clock.now())
            return self._control.handle(world, operation, request)
        put = self._puts.get(operation.name)
        with self._store.transaction() as tx:
            world = self._world(tx, self._clock.now())
            answer = put(world, request) if put else self._control.handle(world, operation, request)
            if fate != NO_FATE:
                _set_fate(tx, operation, {**request, **answer}, fate)
        self._told(operation, answer)
        # Streamed events begin nothing, and come by the thousand.
        if not put:
            self.engine.wake()
        return answer

    def _told(self, operation: Operation, answer: Answer) -> None:
        kind = KINDS.get(operation.noun)
        made = self._store.get(answer.get(kind.arn_member, "")) if kind else None
        if made is not None and operation.verb == "Create":
            self.meter.begun(made)

    def get(self, name: str) -> bytes:
        """The file of a dataset group."""
        with self._store.transaction() as tx:
            return save(self._world(tx, self._clock.now()), name, self._settings.data_dir)

    def put(self, _name: str, content: bytes) -> object:
        """The group of a file is there from now on; its name is that in the file."""
        with self._store.transaction() as tx:
            loaded = load(self._world(tx, self._clock.now()), content, self._settings.data_dir)
        self.engine.wake()
        return {"loaded": loaded}

    def metrics(self) -> list[dict[str, Any]]:
        """All metrics of every trained version and recommender: `{"arn", "metrics"}` each."""
        return [
            {"arn": resource.arn, "metrics": resource.notes["metrics"]}
            for kind in ("SolutionVersion", "Recommender")
            for resource in self._store.all(kind)
            if "metrics" in resource.notes
        ]

    def warnings(self) -> list[dict[str, str]]:
        """What was accepted with a warning: `{"arn", "warning"}` each."""
        return told(self._store)

    def _data_plane(
        self,
    ) -> tuple[
        Mapping[str, Callable[[Request], Answer]], Mapping[str, Callable[[World, Request], Answer]]
    ]:
        """Questions, which need no transaction, and streamed records, which do."""
        settings, shown = self._settings, Shown()
        serving = Serving(self._store, settings.data_dir, mixed_filters=settings.mixed_filters)
        runtime = Runtime(self._store, serving, settings.catalog, settings.quotas, shown)
        ingest = Ingest(shown)
        reads = {
            "GetRecommendations": runtime.recommend,
            "GetPersonalizedRanking": runtime.rank,
            "GetActionRecommendations": runtime.recommend_actions,
        }
        puts = {
            "PutEvents": ingest.put_events,
            "PutActionInteractions": ingest.put_action_interactions,
            "PutItems": ingest.put_items,
            "PutUsers": ingest.put_users,
            "PutActions": ingest.put_actions,
        }
        return reads, puts

    def _world(self, tx: Transaction, now: float) -> World:
        return World(tx, now, self._settings, self._lifecycle)

    def _make_worker(self) -> Runner:
        return WorkerProcess("recdrop.personalize.worker", self._settings.data_dir / "worker.log")


def _meter(store: Store, settings: Settings) -> Meter:
    endpoint = settings.cloudwatch_endpoint
    return Meter(store, cloudwatch(endpoint, settings.region) if endpoint else lambda *_: None)


def _set_fate(tx: Transaction, operation: Operation, named: Answer, fate: Fate) -> None:
    """Marks what a Create, Update or Delete has begun; `named` holds the resource's ARN."""
    kind = KINDS.get(operation.noun)
    resource = tx.get(named.get(kind.arn_member, "")) if kind else None
    if kind is None or resource is None:
        return
    if fate.failure and kind.course == BORN and operation.verb == "Create":
        # It is at its end already: there is no step at which it could fail later.
        tx.put(resource.with_doc(status="CREATE FAILED", failureReason=fate.failure))
        return
    update = kind.update.member if operation.verb == "Update" and kind.update else None
    tx.put(fated(resource, update, fate))
