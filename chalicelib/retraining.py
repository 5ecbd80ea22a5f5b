"""Retraining without a new export: on what streamed in (PutEvents) since the last run of a group.

Streamed events cannot be withheld, so nothing can be proven about such a version: it is trained only where the config
promotes without proof (`gate.when_unsure = "promote"`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib import layout, names
from chalicelib.context import Context
from chalicelib.documents import ExportSet, RunRecord
from chalicelib.runs import Run
from chalicelib.telemetry import logger

DUE_AFTER = timedelta(
    days=7
)  # as Personalize's own automatic training, which the pipeline switches off


def start_due_runs(context: Context) -> list[str]:
    """The runs started: one for each group whose last run succeeded at least DUE_AFTER ago."""
    now = datetime.fromtimestamp(context.now(), UTC)
    due = [last for group in context.ledger.groups() if (last := _due(context, group, now))]
    return [_start(context, last, now) for last in due if _may_promote(context, last)]


def _may_promote(context: Context, last: RunRecord) -> bool:
    config = Run(context, last.run, last.group).config
    return any(solution.gate.when_unsure == "promote" for solution in config.solution)


def _due(context: Context, group: str, now: datetime) -> RunRecord | None:
    names_of_runs = context.ledger.runs(group)
    last = context.ledger.run(names_of_runs[-1]) if names_of_runs else None
    if last is None or last.status != "succeeded" or last.ended is None:
        return None
    return last if now - datetime.fromisoformat(last.ended) >= DUE_AFTER else None


def _start(context: Context, last: RunRecord, now: datetime) -> str:
    """A run without files: it has the config and the data report of the run before."""
    claimed = context.ledger.claim_run(last.group, names.retraining(last.export, now.date()))
    export = ExportSet(group=last.group, datasets={}, mode="INCREMENTAL", complete_by="retraining")
    context.work.write_json(layout.export_set(claimed.run), export)
    for copied in (layout.config, layout.data_report):
        context.work.write(copied(claimed.run), context.work.read(copied(last.run)))
    context.machine.start(last.group, claimed.run)
    logger.info("retraining started", extra={"group": last.group, "run": claimed.run})
    return claimed.run
