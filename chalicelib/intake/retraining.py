"""Retraining without a new export: on what streamed in (PutEvents) since the last run of a group.

Streamed events cannot be withheld, so nothing can be proven about such a version. It is trained only
where the config promotes without proof (`gate.when_unsure = "promote"`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib import layout, names
from chalicelib.config import loading
from chalicelib.context import Context
from chalicelib.documents import ExportSet, RunRecord
from chalicelib.errors import AwsError, ConfigurationError, DocumentUnreadable
from chalicelib.intake import lost
from chalicelib.intake.deleted import forget_deleted_groups
from chalicelib.intake.starting import Start, start
from chalicelib.telemetry import logger

# As Personalize's own automatic training, which the pipeline switches off.
DUE_AFTER = timedelta(days=7)


def start_due_runs(context: Context) -> list[str]:
    """The runs started: one for each group whose last run succeeded at least DUE_AFTER ago.

    A group that cannot be looked at is told of, and does not keep the others waiting; one that was
    deleted in Personalize is forgotten.
    """
    forget_deleted_groups(context)
    started = []
    for group in context.ledger.groups():
        try:
            lost.close_lost_runs(context, group)
            run = _start_if_due(context, group)
        except (ConfigurationError, DocumentUnreadable, AwsError) as error:
            logger.error("no retraining", extra={"group": group, "reason": str(error)})
            context.topic.tell(group, "no retraining", str(error))
        else:
            started += [run] if run else []
    return started


def _start_if_due(context: Context, group: str) -> str | None:
    now = datetime.fromtimestamp(context.now(), UTC)
    last = _last_run(context, group)
    return _start_again(context, last, now) if last and _is_due(last, now) else None


def _last_run(context: Context, group: str) -> RunRecord | None:
    runs = context.ledger.runs(group)
    return context.ledger.run(runs[-1]) if runs else None


def _is_due(last: RunRecord, now: datetime) -> bool:
    # After a failure a person has to look first; a run that goes on will be younger than any.
    if last.status != "succeeded" or last.ended is None:
        return False
    return now - datetime.fromisoformat(last.ended) >= DUE_AFTER


def _start_again(context: Context, last: RunRecord, now: datetime) -> str | None:
    """A run without files, with the config and the data report of the run before it."""
    config = context.work.read(layout.config(last.run)).decode()
    if not _may_promote(config, last.group):
        return None
    nothing = ExportSet(group=last.group, datasets={}, mode="INCREMENTAL", complete_by="retraining")
    begun = start(
        context,
        Start(
            names.retraining(last.export, now.date()),
            nothing,
            config,
            data_report=context.work.read(layout.data_report(last.run)),
        ),
    )
    logger.info("retraining", extra={"group": last.group, "run": begun.run})
    return begun.run if begun.is_new else None


def _may_promote(config: str, group: str) -> bool:
    solutions = loading.load(config, group).solution
    return any(solution.gate.when_unsure == "promote" for solution in solutions)
