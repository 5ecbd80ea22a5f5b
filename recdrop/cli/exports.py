"""What became of a drop: the runs that took its files, or why there are none.

A run is tied to the files it took by its export set, which lies in the work bucket as
`sets/<run>.json` and lists keys and ETags. So two drops at once, to one group or to two, each find
their own runs. This module imports `chalicelib`, whose layout and documents it reads; the verbs
import it when they are asked to wait.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from chalicelib import documents, layout
from chalicelib.documents import ExportSet
from chalicelib.errors import DocumentUnreadable
from chalicelib.ledger import Ledger
from recdrop.cli.common import Json, boto_client, call, machine_arn
from recdrop.cli.runs import Run, to_run
from recdrop.local.aws.clients import Clients

File = tuple[str, str]  # key, ETag without quotes
# What `on_export` writes in its log when it does not start a run; the key that holds its reason.
REASONS = {
    "waiting for a correction": "reason",
    "ignored": "reason",
    "nothing to import": "why",
    "export not complete": "why",
}


@dataclass(frozen=True)
class Before:
    """What there was before the files were dropped: all else is new."""

    sets: frozenset[str]
    refusals: frozenset[str]
    last_line: int


@dataclass(frozen=True)
class Queues:
    """The messages of the queues that feed the Lambdas.

    `now` wait or are at work, `later` are put off: an export that is not complete is looked at
    again.
    """

    now: int
    later: int


class Exports:
    """The exports of one group on a running stack."""

    def __init__(self, endpoint: str, stack: Json, group: str) -> None:
        self.group = group
        self._endpoint = endpoint
        self._machine = machine_arn(stack)
        self._queues = list(stack["queues"])
        self._bucket = str(stack["outputs"]["WorkBucketName"])
        self._s3 = boto_client(endpoint, "s3")
        self._sqs = boto_client(endpoint, "sqs")
        self._stepfunctions = boto_client(endpoint, "stepfunctions")
        self._ledger = Ledger(Clients(endpoint).table(str(stack["resources"]["LedgerTable"])))
        self._read: dict[str, tuple[Any, ExportSet | None]] = {}
        self._ended: dict[str, Run] = {}

    def before(self) -> Before:
        """What there is now; to be asked before anything is dropped."""
        lines = call(self._endpoint, "GET logs?limit=1")["lines"]
        last = int(lines[-1]["number"]) if lines else 0
        return Before(frozenset(self.sets()), frozenset(self._refusals()), last)

    def sets(self) -> dict[str, ExportSet]:
        """The export sets of the group, by run, in the order of their writing."""
        prefix = layout.export_set("").removesuffix(".json")
        found = []
        for item in self._list(prefix):
            run = item["Key"].removeprefix(prefix).removesuffix(".json")
            export = self._set(item)
            if export is not None and export.group == self.group:
                found.append((item["LastModified"], run, export))
        return {run: export for _, run, export in sorted(found, key=lambda entry: entry[:2])}

    def _set(self, item: Mapping[str, Any]) -> ExportSet | None:
        """An export set, read once; None for one that another version of recdrop has written."""
        known = self._read.get(item["Key"])
        if known is None or known[0] != item["ETag"]:
            body = self._s3.get_object(Bucket=self._bucket, Key=item["Key"])["Body"].read()
            try:
                known = (item["ETag"], documents.decode(body, ExportSet, item["Key"]))
            except DocumentUnreadable:
                known = (item["ETag"], None)
            self._read[item["Key"]] = known
        return known[1]

    def waiting(self) -> set[File]:
        """The files that have arrived and belong to no run yet."""
        return {(arrival.key, arrival.etag) for arrival in self._ledger.arrivals(self.group)}

    def refusal(self, keys: Iterable[str], before: Before) -> str | None:
        """Why an export that holds one of the keys was refused since then."""
        wanted = set(keys)
        for key in sorted(set(self._refusals()) - before.refusals):
            note = json.load(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"])
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
        query = {"after": before.last_line, "function": "OnExport", "contains": self.group}
        lines = call(self._endpoint, f"GET logs?{urlencode(query)}")["lines"]
        for line in reversed(lines):
            try:
                fields = json.loads(line["text"])
            except ValueError:
                continue
            what = fields.get("message")
            if fields.get("group") == self.group and what in REASONS:
                return what, str(fields.get(REASONS[what], ""))
        return None

    def runs(self, names: Iterable[str]) -> dict[str, Run]:
        """The executions of runs, by run; one that is not there has not begun."""
        wanted, found = set(names), {}
        pages = self._stepfunctions.get_paginator("list_executions")
        for page in pages.paginate(stateMachineArn=self._machine):
            for entry in page["executions"]:
                run = self._run(entry)
                if run.run in wanted:
                    found[run.run] = run
            if wanted == found.keys():
                break
        return found

    def _run(self, entry: dict[str, Any]) -> Run:
        """An execution; asked for once, when it has ended."""
        arn = entry["executionArn"]
        known = self._ended.get(arn)
        if known is not None and known.status == entry["status"]:
            return known
        run = to_run(self._stepfunctions, entry)
        if run.status != "RUNNING":
            self._ended[arn] = run
        return run

    def queues(self) -> Queues:
        """How many messages there are."""
        now = later = 0
        for queue in self._queues:
            url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            counts = found["Attributes"]
            now += int(counts["ApproximateNumberOfMessages"])
            now += int(counts["ApproximateNumberOfMessagesNotVisible"])
            later += int(counts["ApproximateNumberOfMessagesDelayed"])
        return Queues(now, later)

    def _list(self, prefix: str) -> list[dict[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._bucket, Prefix=prefix)
        return [item for page in found for item in page.get("Contents", ())]


def files_of(export: ExportSet) -> set[File]:
    """Key and ETag of every file of an export set."""
    return {(file.key, file.etag.strip('"')) for _, file in export.files()}
