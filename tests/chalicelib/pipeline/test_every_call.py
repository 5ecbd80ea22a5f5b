"""Every call of every task fails once, before its effect or after it; the task is entered again, as the
state machine's Retry does, until all is done. In the end nothing was made twice.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from chalicelib import layout
from chalicelib.context import Context
from chalicelib.documents import (
    FileBatch,
    ImportDataset,
    NormaliseFiles,
    RunEvent,
    RunReport,
    RunState,
    SolutionEvent,
    TakeLease,
    WriteReport,
    read_event,
)
from chalicelib.errors import ResourcePending, ServiceUnavailable, Throttled
from chalicelib.intake import inbox
from chalicelib.pipeline import batch as batch_task
from chalicelib.pipeline import check, closing, dataset_group, files, lease, release, scoring
from chalicelib.pipeline import training as training_task
from tests.chalicelib.shop import CONFIG, catalogue, purchases
from tests.chalicelib.town import Servers, Town, TownClients


class Killed(BaseException):
    """The process is gone: nothing in it can catch that."""


def throttle() -> Exception:
    details: Any = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
    return ClientError(details, "Any")


@dataclass(frozen=True)
class Fault:
    after: bool  # the effect
    error: Callable[[], BaseException]


FAULTS = {
    "throttled": Fault(False, throttle),
    "timed out before the effect": Fault(False, lambda: ReadTimeoutError(endpoint_url="x")),
    "timed out after the effect": Fault(True, lambda: ReadTimeoutError(endpoint_url="x")),
    "dropped after the effect": Fault(True, lambda: ConnectionClosedError(endpoint_url="x")),
    "killed before the effect": Fault(False, Killed),
    "killed after the effect": Fault(True, Killed),
}
# What the state machine tries again (statemachines/retry.json); a killed Lambda is among it.
RETRIED = (Throttled, ServiceUnavailable, Killed)


@dataclass
class Saboteur:
    """Fails the call number `at` of a task, counted from 1; 0: none."""

    fault: Fault
    at: int = 0
    calls: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def before(self, event_name: str, **_: Any) -> None:
        self.calls += 1
        if not self.fault.after:
            self._fail(event_name)

    def after(self, event_name: str, parsed_response: Any = None, **_: Any) -> None:
        if not self.fault.after:
            return
        if self.calls == self.at and parsed_response and "Body" in parsed_response:
            parsed_response["Body"].close()  # nobody will read it
        self._fail(event_name)

    def _fail(self, event_name: str) -> None:
        if self.calls == self.at:
            self.failed[event_name.partition(".")[2]] += 1
            raise self.fault.error()

    def run(self, task: Callable[[], object]) -> object:
        """Enters the task until it has been through without a call that was not failed before."""
        self.at = 1
        while True:
            self.calls, failed = 0, self.failed.total()
            try:
                found = task()
            except ResourcePending:
                time.sleep(0.02)
                continue  # the same call again, should it not have come to it
            except RETRIED:
                assert self.failed.total() == failed + 1  # nothing else fails
                self.at += 1
                continue
            if self.failed.total() == failed:
                self.at = 0
                return found
            self.at += 1  # the task has coped


@contextmanager
def sabotaged(clients: TownClients, fault: Fault) -> Iterator[Saboteur]:
    saboteur = Saboteur(fault)
    emitters = [
        client.meta.events
        for client in (
            clients.s3,
            clients.sqs,
            clients.sns,
            clients.dynamodb.meta.client,
            clients.personalize,
            clients.personalize_runtime,
        )
    ]
    for events in emitters:
        events.register("before-send", saboteur.before, unique_id="before")
        events.register("response-received", saboteur.after, unique_id="after")
    try:
        yield saboteur
    finally:
        for events in emitters:
            events.unregister("before-send", saboteur.before, unique_id="before")
            events.unregister("response-received", saboteur.after, unique_id="after")


def drop(town: Town, group: str) -> list[str]:
    """Keys; the last one is that of a manifest, which makes the export complete."""
    bodies = {"interactions/orders.csv": purchases(), "items/things.csv": catalogue()}
    listed = {
        name.split("/")[0].upper(): [{"name": name, "size": len(body)}]
        for name, body in bodies.items()
    }
    bodies["manifest.json"] = json.dumps({"version": 1, "datasets": listed}).encode()
    town.context.drop.write(f"{group}/recdrop.toml", CONFIG)
    for name, body in bodies.items():
        town.context.drop.write(f"{group}/{name}", body)
    return [f"{group}/{name}" for name in bodies]


# A run takes half a minute: `make test` has the two that matter most, every night has all.
DAILY = ("timed out after the effect",)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=name, marks=() if name in DAILY else pytest.mark.slow)
        for name, fault in FAULTS.items()
    ],
)
def test_every_call_of_every_task_may_fail_and_nothing_is_made_twice(
    town: Town, servers: Servers, fault: Fault
) -> None:
    context, group = town.context, f"f{list(FAULTS.values()).index(fault)}"
    keys = drop(town, group)
    servers.faults.replace(b"[]")
    with sabotaged(town.clients, fault) as saboteur:
        for key in keys:
            saboteur.run(lambda key=key: inbox.arrive(context, key))  # type: ignore[misc]
        [given] = town.machine.started.values()
        run = json.loads(given)["run"]
        take_all_tasks(context, group, run, saboteur)
    check_made_once(context, group, run)
    assert {name.split(".")[0] for name in saboteur.failed} >= {"s3", "dynamodb", "personalize"}
    assert sum(saboteur.failed.values()) > 100
    assert town.told()


def take_all_tasks(context: Context, group: str, run: str, saboteur: Saboteur) -> None:
    take = TakeLease(run=run, group=group, execution=f"{group}-{run}")
    token = read(saboteur.run(lambda: lease.take_lease(context, take)), "token")
    event = RunEvent(run=run, group=group, token=token)
    batch = NormaliseFiles(run=run, group=group, token=token, batch=FileBatch(first=0, count=2))
    saboteur.run(lambda: files.normalise_files(context, batch))
    saboteur.run(lambda: check.check_export(context, event))
    prepared = saboteur.run(lambda: dataset_group.prepare_group(context, event))
    for dataset in read(prepared, "datasets"):
        given = ImportDataset(run=run, group=group, token=token, dataset=dataset)
        saboteur.run(lambda given=given: dataset_group.import_dataset(context, given))  # type: ignore[misc]
    for name in read(prepared, "solutions"):
        of = SolutionEvent(run=run, group=group, token=token, solution=name)
        for task in (
            training_task.train,
            scoring.score,
            release.update_campaign,
            release.verify_campaign,
            batch_task.run_batch_inference,
        ):
            saboteur.run(lambda task=task, of=of: task(context, of))  # type: ignore[misc]
    results = [{"solution": name, "result": "promoted"} for name in read(prepared, "solutions")]
    state = read_event({"solutions": results}, RunState)
    written = WriteReport(run=run, group=group, execution="arn:execution", state=state)
    saboteur.run(lambda: closing.write_report(context, written))
    ended = RunEvent(run=run, group=group)  # these two hold no token
    saboteur.run(lambda: lease.release_lease(context, ended))
    saboteur.run(lambda: closing.notify(context, ended))


def read(result: Any, name: str) -> Any:
    return msgspec.to_builtins(result)[name]


def check_made_once(context: Context, group: str, run: str) -> None:
    personalize, client = context.personalize, context.personalize.client
    for dataset in ("interactions", "items"):
        arn = personalize.arns.dataset(group, dataset)
        jobs = client.list_dataset_import_jobs(datasetArn=arn)["datasetImportJobs"]
        assert [job["status"] for job in jobs] == ["ACTIVE"]
    for name in ("for-you", "similar"):
        arn = personalize.arns.solution(f"{group}-{name}")
        versions = client.list_solution_versions(solutionArn=arn)["solutionVersions"]
        [version] = [version["solutionVersionArn"] for version in versions]
        asked = client.list_batch_inference_jobs(solutionVersionArn=version)["batchInferenceJobs"]
        assert len(asked) == (2 if name == "for-you" else 1)  # scored, and all users answered
        assert personalize.serving_version(group, name) == version
        served = context.ledger.serving(group, name)
        assert served is not None
        assert served.solution_version_arn == version
    assert len(context.ledger.runs(group)) == 1
    record = context.ledger.run(run)
    assert record is not None
    assert (record.status, record.attempt) == ("succeeded", 1)
    assert context.work.read_document(layout.report(run), RunReport).status == "succeeded"
    assert context.ledger.arrivals(group) == []
    assert context.ledger.take_lease(group, "another")
