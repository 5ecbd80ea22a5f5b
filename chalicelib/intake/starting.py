"""A run begins: the one place that starts an execution of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib import layout
from chalicelib.context import Context
from chalicelib.documents import ExportSet
from chalicelib.intake import lost
from chalicelib.telemetry import logger


@dataclass(frozen=True)
class Start:
    """What a run begins with.

    `export_id` names it; `config` is the text of its recdrop.toml, from now on pinned; `ignored`
    maps keys that were left out to the reason. A run without files brings its `data_report` along,
    as stored, and what is `withheld` from the imports: no task of its own will write them.
    """

    export_id: str
    export: ExportSet
    config: str
    ignored: Mapping[str, str] = field(default_factory=dict)
    data_report: bytes | None = None
    withheld: bytes | None = None


@dataclass(frozen=True)
class Begun:
    """The run of an export; `is_new` unless it goes on or has succeeded already."""

    run: str
    is_new: bool


def start(context: Context, wanted: Start) -> Begun:
    """The run of an export, started unless it goes on or has succeeded.

    Names follow from the export, so whoever starts the same run again finds the first one. An export
    whose run has failed, or was lost, gets another attempt, under a name of its own.
    """
    group = wanted.export.group
    record = context.ledger.claim_run(group, wanted.export_id)
    while lost.close_if_lost(context, record):
        record = context.ledger.claim_run(group, wanted.export_id)
    run = record.run
    logger.thread_safe_append_keys(run=run)
    # "claimed" may be a start that broke off half way: all of it is done again, which harms nothing.
    # A run that goes on keeps the config it began with.
    if record.status != "claimed":
        logger.info("export is known", extra={"status": record.status})
        return Begun(run, is_new=False)
    _write_inputs(context, run, wanted)
    if wanted.ignored:
        context.ledger.update_run(run, ignored=dict(wanted.ignored))
    # Last: the first task may read everything above at once.
    context.machine.start(group, run)
    files = len(wanted.export.files())
    logger.info("run started", extra={"files": files, "complete_by": wanted.export.complete_by})
    return Begun(run, is_new=True)


def _write_inputs(context: Context, run: str, wanted: Start) -> None:
    context.work.write_json(layout.export_set(run), wanted.export)
    context.work.write(layout.config(run), wanted.config)
    if wanted.data_report is not None:
        context.work.write(layout.data_report(run), wanted.data_report)
    if wanted.withheld is not None:
        context.work.write(layout.withheld(run), wanted.withheld)
