"""Retraining without a new export: on what streamed in (PutEvents) since the last run of a group.

Streamed events cannot be withheld, so nothing can be proven about such a version: it is trained
only where the config promotes without proof (`gate.when_unsure = "promote"`).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib import clients, layout
from chalicelib.drops import start_execution
from chalicelib.exports.sets import ExportSet
from chalicelib.ledger import Item, Ledger
from chalicelib.runs import Run, open_ledger
from chalicelib.settings import Settings
from chalicelib.telemetry import logger

DUE_AFTER = timedelta(
    days=7
)  # as Personalize's own automatic training, which the pipeline switches off


def start_due_runs(now: float | None = None) -> list[str]:
    """The runs started: one for each group whose last run succeeded at least DUE_AFTER ago."""
    settings = Settings.from_environment()
    ledger, at = open_ledger(settings), datetime.fromtimestamp(now or time.time(), UTC)
    due = [last for group in ledger.groups() if (last := _due(ledger, group, at))]
    return [
        _start(settings, ledger, last, at)
        for last in due
        if _may_promote(_run_of(settings, ledger, last))
    ]


def _run_of(settings: Settings, ledger: Ledger, record: Item) -> Run:
    return Run(record["run"], record["group"], settings, ledger, clients.s3())


def _may_promote(run: Run) -> bool:
    return any(solution.gate.when_unsure == "promote" for solution in run.config.solution)


def _due(ledger: Ledger, group: str, now: datetime) -> Item | None:
    names = ledger.runs(group)
    last = ledger.run(names[-1]) if names else None
    if last is None or last["status"] != "succeeded":
        return None
    return last if now - datetime.fromisoformat(last["ended"]) >= DUE_AFTER else None


def _start(settings: Settings, ledger: Ledger, last: Item, now: datetime) -> str:
    """A run without files: it has the config and the data report of the run before."""
    before = _run_of(settings, ledger, last)
    export_id = f"{str(last['export']).split('-', 1)[0]}-r{now:%Y%m%d}"
    claimed = ledger.claim_run(last["group"], export_id)
    name = str(claimed["run"])
    before.write(
        layout.export_set(name),
        msgspec.json.encode(ExportSet(last["group"], {}, "INCREMENTAL", "retraining")),
    )
    for copied in (layout.config, layout.data_report):
        before.write(copied(name), before.read_bytes(copied(before.name)))
    start_execution(clients.stepfunctions(), settings.state_machine_arn, last["group"], name)
    logger.info("retraining started", extra={"group": last["group"], "run": name})
    return name
