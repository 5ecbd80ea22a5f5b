"""From an object's arrival to at most one run per export: the handler behind S3 -> EventBridge ->
SQS.

Events are at least once and in no order, so an event only says where to look: what is there now is
what counts. A message that asks to look again later (quiet periods, manifests that wait for a part)
goes through the same queue.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib import layout
from chalicelib.buckets import Head
from chalicelib.config import loading
from chalicelib.config.sections import Config
from chalicelib.context import Context
from chalicelib.documents import ArrivalRecord, ExportSet
from chalicelib.exports import keys, manifests, sets
from chalicelib.telemetry import logger


def handle(context: Context, event: dict[str, Any], lambda_context: Any) -> dict[str, Any]:
    """The Lambda: every message on its own, so that a poisoned one does not hold up the others."""
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    inbox = Inbox(context)
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=event,
        record_handler=lambda record: inbox.take(json.loads(record["body"])),
        processor=processor,
        context=lambda_context,
    )
    return dict(answer)


@dataclass(frozen=True)
class Facts:
    """What is known of a group's arrivals: by key its role, the manifests, the objects, the
    commits' added keys.
    """

    roles: Mapping[str, str]
    manifests: Sequence[manifests.Manifest]
    objects: Mapping[str, sets.ObjectFact]
    commits: Mapping[str, tuple[str, ...]]

    def decide(self, group: str, config: Config, inbox: Inbox) -> sets.Decision:
        return sets.decide(
            group,
            self.objects.values(),
            config,
            inbox.context.now(),
            manifests=self.manifests,
            commits=self.commits,
            quiet_seconds=inbox.context.settings.quiet_seconds,
            deadline_seconds=inbox.context.settings.deadline_seconds,
        )

    @property
    def markers(self) -> set[str]:
        return {key for key, role in self.roles.items() if role in ("marker", "commit")}

    @property
    def empty(self) -> set[str]:
        """What can never become part of an export: ignored objects, manifests that list nothing."""
        ignored = {key for key, role in self.roles.items() if role == "ignored"}
        return ignored | {manifest.key for manifest in self.manifests if not _listed_keys(manifest)}


@dataclass(frozen=True)
class Inbox:
    context: Context

    def take(self, message: dict[str, Any]) -> None:
        """A message of the queue: an S3 event by EventBridge, or our own `{"look_again": group}`."""
        if "look_again" in message:
            self.look(message["look_again"])
        elif message.get("detail-type") == "Object Created":
            self.arrive(message["detail"]["object"]["key"])
        else:
            logger.info(
                "message ignored", extra={"kind": message.get("detail-type", sorted(message))}
            )

    def arrive(self, key: str) -> None:
        """Records what lies at `key` now and looks whether an export has become complete."""
        parsed = keys.parse_drop_key(key)
        try:
            loading.check_group_name(parsed.group)
        except loading.ConfigError as error:
            self._tell(
                parsed.group or key, "ignored", f"Object {key!r} is not part of any group. {error}"
            )
            return
        head = self.context.drop.head(key)
        if head is None:
            logger.info("object vanished before it was read", extra={"key": key})
            return
        if parsed.role != "config":
            self.context.ledger.record_arrival(parsed.group, key, etag=head.etag, size=head.size)
        self.look(parsed.group)

    def look(self, group: str) -> None:
        """Decides on the arrivals of a group, and acts."""
        logger.thread_safe_append_keys(group=group)
        while arrivals := self.context.ledger.arrivals(group):
            toml = self._read_config(group)
            try:
                config = loading.load(toml, group)
                facts = self._gather(config, arrivals)
                decision = facts.decide(group, config, self)
            except (loading.ConfigError, manifests.ManifestError) as error:
                self._tell(group, "waiting for a correction", str(error))
                return
            match decision:
                case sets.Complete(export, ignored):
                    self._start(export, toml, ignored)
                    taken = (
                        {file.key for _, file in export.files()}
                        | set(ignored)
                        | {export.complete_by}
                        | facts.markers
                    )
                    self._forget(group, arrivals, taken)
                    continue  # the next export of the group may be complete too
                case sets.Waiting(until, why):
                    logger.info("export not complete", extra={"why": why})
                    self._look_again(group, until)
                case sets.Rejected(reason, rejected):
                    self._reject(group, reason, arrivals, set(rejected))
                case sets.Ignored(why):
                    logger.info("nothing to import", extra={"why": why})
                    self._forget(group, arrivals, facts.empty)
            return

    # -- deciding ----------------------------------------------------------------------------------

    def _gather(self, config: Config, arrivals: list[ArrivalRecord]) -> Facts:
        mapped = {entry.name: entry.dataset for entry in config.dataset}
        roles = {
            item.key: keys.parse_drop_key(item.key, mapped, item.size).role for item in arrivals
        }
        found = [self._manifest(item, mapped) for item in arrivals if roles[item.key] == "manifest"]
        objects = {item.key: _fact(item) for item in arrivals}
        for listed in {
            key for manifest in found for key in _listed_keys(manifest)
        } - objects.keys():
            if head := self.context.drop.head(listed):
                objects[listed] = _listed(listed, head)
        commits = {
            key: manifests.parse_commit(key, self.context.drop.read(key))
            for key, role in roles.items()
            if role == "commit"
        }
        return Facts(roles, found, objects, commits)

    def _manifest(self, item: ArrivalRecord, mapped: dict[str, Any]) -> manifests.Manifest:
        body, arrived = self.context.drop.read(item.key), item.arrived
        return manifests.parse_manifest(
            item.key, body, bucket=self.context.settings.drop_bucket, arrived=arrived, mapped=mapped
        )

    # -- acting ------------------------------------------------------------------------------------

    def _start(self, export: ExportSet, toml: str, ignored: Any) -> None:
        """Starts the run of this export, unless it is running or has succeeded: names come from the
        content.
        """
        context = self.context
        record = context.ledger.claim_run(export.group, export.export_id)
        logger.thread_safe_append_keys(run=record.run)
        if record.status not in ("claimed", "running"):
            logger.info("export is known", extra={"status": record.status})
            return
        context.work.write_json(layout.export_set(record.run), export)
        context.work.write(layout.config(record.run), toml)
        context.machine.start(export.group, record.run)
        context.ledger.update_run(record.run, ignored=dict(ignored))
        logger.info(
            "run started",
            extra={"files": len(export.files()), "complete_by": export.complete_by},
        )

    def _look_again(self, group: str, until: float) -> None:
        self.context.queue.look_again(group, until - self.context.now())

    def _reject(
        self, group: str, reason: str, arrivals: list[ArrivalRecord], rejected: set[str]
    ) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.context.now()))
        note = {"group": group, "reason": reason, "keys": sorted(rejected)}
        self.context.work.write_json(layout.incomplete_export(group, stamp), note)
        self._tell(group, "export quarantined", reason)
        self._forget(group, arrivals, rejected)

    def _forget(self, group: str, arrivals: list[ArrivalRecord], taken: set[str]) -> None:
        self.context.ledger.clear_arrivals(group, [a for a in arrivals if a.key in taken])

    def _tell(self, group: str, what: str, message: str) -> None:
        logger.warning(what, extra={"group": group, "reason": message})
        self.context.topic.tell(group, what, message)

    def _read_config(self, group: str) -> str:
        """The text of the group's recdrop.toml; "" (all defaults) when there is none."""
        body = self.context.drop.read_if_there(layout.group_config(group))
        return body.decode("utf-8-sig", errors="replace") if body else ""


def _listed_keys(manifest: manifests.Manifest) -> set[str]:
    return {file.key for files in manifest.datasets.values() for file in files}


def _fact(item: ArrivalRecord) -> sets.ObjectFact:
    return sets.ObjectFact(item.key, item.size, item.etag, item.arrived, item.arrived)


def _listed(key: str, head: Head) -> sets.ObjectFact:
    return sets.ObjectFact(key, head.size, head.etag, head.modified)
