"""One run per dataset group at a time: its lease taken and given back."""

from __future__ import annotations

from chalicelib.context import Context
from chalicelib.documents import FileBatch, Lease, RunEvent, TakeLease
from chalicelib.runs import Run

MAX_BATCHES = 200  # of files; seven history events each, far below the 25,000 of an execution


def take_lease(context: Context, event: TakeLease) -> Lease:
    """The fencing token, and the batches of files to normalise.

    Raises:
        LeaseHeld: another run has the group.
    """
    run = Run.of(context, event)
    token = context.ledger.take_lease(run.group, run.name)
    context.ledger.update_run(
        run.name, status="running", execution=event.execution, started=int(context.now())
    )
    return Lease(token=token, batches=split(len(run.export.files())))


def split(files: int) -> tuple[FileBatch, ...]:
    """Batches of whole files, as few files each as MAX_BATCHES allows. No file: no batch."""
    size = -(-files // MAX_BATCHES) or 1
    return tuple(
        FileBatch(first=first, count=min(size, files - first)) for first in range(0, files, size)
    )


def release_lease(context: Context, event: RunEvent) -> None:
    context.ledger.release_lease(event.group, event.run)
