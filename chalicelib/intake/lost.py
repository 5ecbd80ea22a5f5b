"""Runs whose execution died without its closing states: nobody else would ever end their record.

An execution that is aborted by hand, or that meets States.DataLimitExceeded or States.Runtime, runs no
further state: no report, no notification, and the ledger would say "running" for ever.
"""

from __future__ import annotations

from chalicelib.context import Context
from chalicelib.documents import RunRecord
from chalicelib.telemetry import logger

LOOKED_AT = 20  # runs of a group, the newest ones
_GOES_ON = ("RUNNING", "PENDING_REDRIVE")


def is_lost(status: str, execution: str | None) -> bool:
    """Whether a run of this status in the ledger will never end. `execution` None: there is none."""
    if status not in ("claimed", "running"):
        return False
    if execution is None:
        return status == "running"  # a claimed one has not been started yet
    return execution not in _GOES_ON


def close_if_lost(context: Context, record: RunRecord) -> bool:
    """Marks a lost run failed and tells people so; whether it was one."""
    if record.status not in ("claimed", "running"):
        return False
    execution = context.machine.status(record.group, record.run)
    if not is_lost(record.status, execution):
        return False
    ended = f"ended as {execution}" if execution else "is no longer there"
    reason = (
        f"The execution of run {record.run} {ended} and wrote no report: it was stopped by hand, "
        "or met an error that no state can catch."
    )
    # It may have written its report between the two looks.
    if not context.ledger.fail_run(record.run, record.status, reason):
        return False
    logger.error("run lost", extra={"group": record.group, "run": record.run, "reason": reason})
    advice = "Drop the same export again: what is done is found, not done twice."
    context.topic.tell(record.group, f"run {record.run} failed", f"{reason} {advice}")
    return True


def close_lost_runs(context: Context, group: str) -> list[str]:
    """Those among the newest runs of a group."""
    records = (context.ledger.run(run) for run in context.ledger.runs(group)[-LOOKED_AT:])
    return [record.run for record in records if record and close_if_lost(context, record)]
