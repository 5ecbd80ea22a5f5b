"""From an object's arrival to at most one run per export: the handler behind S3 -> EventBridge ->
SQS.

Events are at least once and in no order, so an event only says where to look: what is there now is
what counts. A message that asks to look again later (quiet periods, manifests that wait for a part)
goes through the same queue.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib import clients, layout
from chalicelib.config import loading
from chalicelib.config.sections import Config
from chalicelib.errors import code_of
from chalicelib.exports import keys, manifests, sets
from chalicelib.ledger import Item, Ledger
from chalicelib.runs import open_ledger
from chalicelib.settings import Settings
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

MAX_DELAY_SECONDS = 900  # SQS's own


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The Lambda: every message on its own, so that a poisoned one does not hold up the others."""
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    inbox = Inbox.open()
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=event,
        record_handler=lambda record: inbox.take(json.loads(record["body"])),
        processor=processor,
        context=context,
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
            inbox.now(),
            manifests=self.manifests,
            commits=self.commits,
            quiet_seconds=inbox.settings.quiet_seconds,
            deadline_seconds=inbox.settings.deadline_seconds,
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
    settings: Settings
    ledger: Ledger
    s3: S3Client
    sqs: SQSClient
    sns: SNSClient
    stepfunctions: SFNClient
    now: Callable[[], float] = time.time

    @classmethod
    def open(cls) -> Inbox:
        settings = Settings.from_environment()
        return cls(
            settings,
            open_ledger(settings),
            clients.s3(),
            clients.sqs(),
            clients.sns(),
            clients.stepfunctions(),
        )

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
        head = self._head(key)
        if head is None:
            logger.info("object vanished before it was read", extra={"key": key})
            return
        if parsed.role != "config":
            self.ledger.record_arrival(
                parsed.group, key, etag=head["ETag"].strip('"'), size=head["ContentLength"]
            )
        self.look(parsed.group)

    def look(self, group: str) -> None:
        """Decides on the arrivals of a group, and acts."""
        logger.thread_safe_append_keys(group=group)
        while arrivals := self.ledger.arrivals(group):
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

    def _gather(self, config: Config, arrivals: list[Item]) -> Facts:
        mapped = {entry.name: entry.dataset for entry in config.dataset}
        roles = {
            item["key"]: keys.parse_drop_key(item["key"], mapped, int(item["size"])).role
            for item in arrivals
        }
        found = [
            self._manifest(item, mapped) for item in arrivals if roles[item["key"]] == "manifest"
        ]
        objects = {item["key"]: _fact(item) for item in arrivals}
        for listed in {
            key for manifest in found for key in _listed_keys(manifest)
        } - objects.keys():
            if head := self._head(listed):
                objects[listed] = _listed(listed, head)
        commits = {
            key: manifests.parse_commit(key, self._read(key))
            for key, role in roles.items()
            if role == "commit"
        }
        return Facts(roles, found, objects, commits)

    def _manifest(self, item: Item, mapped: dict[str, Any]) -> manifests.Manifest:
        body, arrived = self._read(item["key"]), float(item["arrived"])
        return manifests.parse_manifest(
            item["key"], body, bucket=self.settings.drop_bucket, arrived=arrived, mapped=mapped
        )

    # -- acting ------------------------------------------------------------------------------------

    def _start(self, export: sets.ExportSet, toml: str, ignored: Any) -> None:
        """Starts the run of this export, unless it is running or has succeeded: names come from the
        content.
        """
        import msgspec

        record = self.ledger.claim_run(export.group, export.run_id)
        run = str(record["run"])
        logger.thread_safe_append_keys(run=run)
        if record["status"] not in ("claimed", "running"):
            logger.info("export is known", extra={"status": record["status"]})
            return
        self._write(layout.export_set(run), msgspec.json.encode(export))
        self._write(layout.config(run), toml.encode())
        start_execution(self.stepfunctions, self.settings.state_machine_arn, export.group, run)
        self.ledger.update_run(run, ignored=dict(ignored))
        logger.info(
            "run started", extra={"files": len(export.files()), "complete_by": export.complete_by}
        )

    def _look_again(self, group: str, until: float) -> None:
        delay = min(MAX_DELAY_SECONDS, max(1, math.ceil(until - self.now())))
        self.sqs.send_message(
            QueueUrl=self.settings.queue_url,
            MessageBody=json.dumps({"look_again": group}),
            DelaySeconds=delay,
        )

    def _reject(self, group: str, reason: str, arrivals: list[Item], rejected: set[str]) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.now()))
        note = {"group": group, "reason": reason, "keys": sorted(rejected)}
        self._write(layout.quarantine(group, stamp, "incomplete.json"), json.dumps(note).encode())
        self._tell(group, "export quarantined", reason)
        self._forget(group, arrivals, rejected)

    def _forget(self, group: str, arrivals: list[Item], taken: set[str]) -> None:
        self.ledger.clear_arrivals(
            group, [(item["key"], item["etag"]) for item in arrivals if item["key"] in taken]
        )

    def _tell(self, group: str, what: str, message: str) -> None:
        logger.warning(what, extra={"group": group, "reason": message})
        self.sns.publish(
            TopicArn=self.settings.topic_arn,
            Subject=f"recdrop {group}: {what}"[:100],
            Message=message,
        )

    # -- the drop bucket ---------------------------------------------------------------------------

    def _head(self, key: str) -> Any:
        try:
            return self.s3.head_object(Bucket=self.settings.drop_bucket, Key=key)
        except Exception as error:
            if code_of(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise

    def _read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.settings.drop_bucket, Key=key)["Body"].read()

    def _read_config(self, group: str) -> str:
        """The text of the group's recdrop.toml; "" (all defaults) when there is none."""
        key = f"{group}/{keys.CONFIG_NAME}"
        return self._read(key).decode("utf-8-sig", errors="replace") if self._head(key) else ""

    def _write(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.settings.work_bucket, Key=key, Body=body)


def start_execution(client: SFNClient, state_machine_arn: str, group: str, run: str) -> None:
    """Same name and same input: whoever asks again finds the first one."""
    try:
        client.start_execution(
            stateMachineArn=state_machine_arn,
            name=f"{group[:40]}-{run}",
            input=json.dumps({"group": group, "run": run}, sort_keys=True, separators=(",", ":")),
        )
    except Exception as error:
        if code_of(error) != "ExecutionAlreadyExists":
            raise


def _listed_keys(manifest: manifests.Manifest) -> set[str]:
    return {file.key for files in manifest.datasets.values() for file in files}


def _fact(item: Item) -> sets.ObjectFact:
    arrived = float(item["arrived"])
    return sets.ObjectFact(item["key"], int(item["size"]), item["etag"], arrived, arrived)


def _listed(key: str, head: Any) -> sets.ObjectFact:
    return sets.ObjectFact(
        key, head["ContentLength"], head["ETag"].strip('"'), head["LastModified"].timestamp()
    )
