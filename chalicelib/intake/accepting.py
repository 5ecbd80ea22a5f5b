"""A held export is let through: the same export set, in a new attempt that nobody holds."""

from __future__ import annotations

import json
from dataclasses import dataclass

from chalicelib import layout
from chalicelib.buckets import Bucket
from chalicelib.documents import ExportSet
from chalicelib.errors import NotHeld
from chalicelib.executions import StateMachine
from chalicelib.ledger import Ledger

HELD = ("partial", "shrunk")  # codes of `SetHeld` in the note that lies in quarantine


@dataclass(frozen=True)
class Desk:
    """All that is needed to accept. A command line has no more than this."""

    ledger: Ledger
    work: Bucket
    machine: StateMachine


def accept(desk: Desk, group: str, run: str) -> str:
    """The name of the run that was started in place of the held one, with its files and config.

    Asked again before that run has begun, it finds the same one.

    Raises:
        NotHeld: the run was not held, or its export has run since.
    """
    held, note = (
        desk.ledger.run(run),
        desk.work.read_if_there(layout.quarantined_export(group, run)),
    )
    if held is None or note is None or json.loads(note).get("code") not in HELD:
        raise NotHeld(f"Run {run!r} of group {group!r} was not held: there is nothing to accept.")
    record = desk.ledger.claim_run(group, held.export)
    if record.status != "claimed":
        raise NotHeld(
            f"The export of run {run!r} is taken by run {record.run!r}, which is {record.status}."
        )
    desk.ledger.update_run(record.run, accepted=True, ignored=held.ignored)
    export = desk.work.read_document(layout.export_set(run), ExportSet)
    desk.work.write_json(layout.export_set(record.run), export)
    desk.work.write(layout.config(record.run), desk.work.read(layout.config(run)))
    # An event of its files that comes again is of this run now: the held one counts as failed.
    taken = (desk.ledger.taken(group, file.key) for _, file in export.files())
    desk.ledger.take_over(group, record.run, [found for found in taken if found])
    desk.machine.start(group, record.run)
    return record.run
