"""What became of a drop: the runs that took its files, or why there are none.

A run is tied to the files it took by its export set, which lies in the work bucket as
`sets/<run>.json` and lists keys and ETags. So two drops at once, to one group or to two, each find
their own runs. Why there is no run is told by the ledger's note of the group and by quarantine. This
module imports `chalicelib`, whose layout and documents it reads; the verbs import it when they are
asked to wait.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import documents, layout
from chalicelib.documents import ExportSet, NoteRecord
from chalicelib.errors import DocumentUnreadable
from chalicelib.intake.inbox import CORRECTION
from recdrop.cli.runs import Run, Runs
from recdrop.cli.target import Target

File = tuple[str, str]  # key, ETag without quotes
# What `on_export` notes of a group when it starts no run, and nobody else tells the reason.
INCOMPLETE = "export not complete"
REASONS = frozenset({CORRECTION, INCOMPLETE, "ignored", "nothing to import"})


@dataclass(frozen=True)
class Before:
    """What there was before the files were dropped: all else is new."""

    sets: frozenset[str]
    refusals: frozenset[str]
    note: NoteRecord | None


@dataclass(frozen=True)
class Queues:
    """The messages of the queue that tells of arrivals.

    `now` wait or are at work, `later` are put off: an export that is not complete is looked at
    again.
    """

    now: int
    later: int


class Exports:
    """The exports of one group of a recdrop."""

    def __init__(self, target: Target, group: str) -> None:
        self.group = group
        self.target = target
        self._runs = Runs(target)
        self._read: dict[str, tuple[Any, ExportSet | None]] = {}

    def before(self) -> Before:
        """What there is now; to be asked before anything is dropped."""
        note = self.target.ledger.note(self.group)
        return Before(frozenset(self.sets()), frozenset(self._refusals()), note)

    def sets(self) -> dict[str, ExportSet]:
        """The export sets of the group, by run, in the order of their writing."""
        prefix = layout.export_set("").removesuffix(".json")
        mine = set(self.target.ledger.runs(self.group))
        found = []
        for item in self._list(prefix):
            run = item["Key"].removeprefix(prefix).removesuffix(".json")
            # The sets of other groups are not read: at AWS there may be many.
            export = self._set(item) if run in mine else None
            if export is not None and export.group == self.group:
                found.append((item["LastModified"], run, export))
        return {run: export for _, run, export in sorted(found, key=lambda entry: entry[:2])}

    def _set(self, item: Mapping[str, Any]) -> ExportSet | None:
        """An export set, read once; None for one that another version of recdrop has written."""
        known = self._read.get(item["Key"])
        if known is None or known[0] != item["ETag"]:
            body = self.target.work.read(item["Key"])
            try:
                known = (item["ETag"], documents.decode(body, ExportSet, item["Key"]))
            except DocumentUnreadable:
                known = (item["ETag"], None)
            self._read[item["Key"]] = known
        return known[1]

    def waiting(self) -> set[File]:
        """The files that have arrived and belong to no run yet."""
        return {(arrival.key, arrival.etag) for arrival in self.target.ledger.arrivals(self.group)}

    def refusal(self, keys: Iterable[str], before: Before) -> str | None:
        """Why an export that holds one of the keys was refused since then."""
        wanted = set(keys)
        for key in sorted(set(self._refusals()) - before.refusals):
            note = json.loads(self.target.work.read(key))
            if wanted & set(note["keys"]):
                return str(note["reason"])
        return None

    def _refusals(self) -> list[str]:
        """The notes of refused exports; beside them lie the bad rows of runs."""
        prefix = layout.quarantine(self.group, "").rstrip("/") + "/"
        name = layout.incomplete_export("", "").rsplit("/", 1)[-1]
        return [item["Key"] for item in self._list(prefix) if item["Key"].endswith(f"/{name}")]

    def reason(self, before: Before) -> tuple[str, str] | None:
        """What the group was last told since then, and why; None when it was told nothing."""
        note = self.target.ledger.note(self.group)
        if note is None or note == before.note or note.what not in REASONS:
            return None
        return note.what, note.why

    def runs(self, names: Iterable[str]) -> dict[str, Run]:
        """The executions of runs, by run; one that is not there has not begun."""
        return self._runs.of(self.group, names)

    def queues(self) -> Queues:
        """How many messages there are."""
        counts = self.target.count(self.target.queue)
        return Queues(counts["visible"] + counts["in_flight"], counts["delayed"])

    def _list(self, prefix: str) -> list[dict[str, Any]]:
        pages = self.target.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.target.work.name, Prefix=prefix)
        return [item for page in found for item in page.get("Contents", ())]


def files_of(export: ExportSet) -> set[File]:
    """Key and ETag of every file of an export set."""
    return {(file.key, file.etag.strip('"')) for _, file in export.files()}
