"""Keeps the data of a stack over a restart, in a folder.

Kept: objects of the stack's buckets, items of its tables, messages in its queues, and what each
execution was started with and how it ended. The stack itself is made again from the template, so
code and definition may change between runs. An execution that had not ended is started again under
its name with its input: every task finds its own work. Not kept: execution histories, SNS and
CloudWatch data, resources that were made by hand.

    <folder>/state.json               format version, tables, queues, executions, the index of the
                                      objects
    <folder>/objects/<hash>           one file per object, named by bucket, key and ETag

`state.json` is replaced as a whole, after the objects it names are there.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recdrop.local import slimmoto

slimmoto.install()

from moto.dynamodb.models import dynamodb_backends  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402
from moto.sqs.models import sqs_backends  # noqa: E402
from moto.stepfunctions.parser.models import stepfunctions_parser_backends  # noqa: E402

from recdrop.local.identity import ACCOUNT, REGION  # noqa: E402

LOG = logging.getLogger(__name__)
VERSION = 1
BYTES = "base64 bytes"
SAVE_SECONDS = 5.0
Json = dict[str, Any]


class StateError(Exception):
    """The kept state cannot be read; the message names the file and what was expected."""


class Keeper:
    """Saves and restores the data of the stack whose physical names by logical id are `resources`."""

    def __init__(self, folder: Path, resources: Mapping[str, str], lock: threading.RLock) -> None:
        self._folder = folder
        self._resources = resources
        self._lock = lock
        self._saving = threading.Lock()
        self._saved = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Save every few seconds, when something has changed: a killed process loses no more than
        that.
        """
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop saving by itself."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(SAVE_SECONDS):
            try:
                self.save()
            except OSError:
                LOG.exception("The state could not be saved in %s", self._folder)

    def save(self, executions: list[Json] | None = None) -> None:
        """Write what has changed.

        `executions` stands in for those of now, for a save after they were stopped.
        """
        with self._saving:
            with self._lock:
                state: Json = {
                    "version": VERSION,
                    "tables": dict(self._tables()),
                    "queues": dict(self._queues()),
                    "executions": self.executions() if executions is None else executions,
                    "buckets": dict(self._buckets()),
                }
            text = json.dumps(state, sort_keys=True, default=encode)
            if text == self._saved:
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            replace(self._folder / "state.json", text.encode())
            self._saved = text
            self._forget_objects(
                {entry["file"] for bucket in state["buckets"].values() for entry in bucket.values()}
            )

    def _named(self, known: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        for logical, physical in self._resources.items():
            name = physical.rsplit("/", 1)[-1]
            if known(name):
                yield logical, name

    def _tables(self) -> Iterator[tuple[str, list[Json]]]:
        tables = dynamodb_backends[ACCOUNT][REGION].tables
        for logical, name in self._named(tables.__contains__):
            yield logical, [item.to_json()["Attributes"] for item in tables[name].all_items()]

    def _queues(self) -> Iterator[tuple[str, list[str]]]:
        queues = sqs_backends[ACCOUNT][REGION].queues
        for logical, name in self._named(queues.__contains__):
            yield logical, [message.body for message in queues[name]._messages]

    def _buckets(self) -> Iterator[tuple[str, dict[str, Json]]]:
        buckets = s3_backends[ACCOUNT]["aws"].buckets
        for logical, name in self._named(buckets.__contains__):
            keys = buckets[name].keys
            yield logical, {key: self._keep_object(logical, keys[key]) for key in list(keys)}

    def _keep_object(self, bucket: str, key: Any) -> Json:
        etag = key.etag.strip('"')
        file = hashlib.sha256(f"{bucket}/{key.name}/{etag}".encode()).hexdigest()[:40]
        path = self._folder / "objects" / file
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, key.value)
        return {
            "file": file,
            "etag": etag,
            "metadata": dict(key.metadata),
            "modified": key.last_modified.isoformat(),
        }

    def _forget_objects(self, files: set[str]) -> None:
        for path in (self._folder / "objects").glob("*"):
            if path.name not in files:
                path.unlink(missing_ok=True)

    def executions(self) -> list[Json]:
        """All executions, oldest first."""
        machines = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        return [
            {
                "machine": machine.name,
                "name": execution.name,
                "input": execution.execution_input,
                "status": execution.status,
                "started": execution.start_date.isoformat(),
                "stopped": execution.stop_date.isoformat() if execution.stop_date else None,
                "output": execution.output,
                "error": execution.error,
                "cause": execution.cause,
            }
            for machine in machines
            for execution in machine.executions
        ]

    def restore(self) -> list[Json]:
        """Put back what was saved; returns the executions to start again, which is for the caller
        to do.
        """
        state = self._read()
        if state is None:
            return []
        with self._lock:
            for logical, items in state["tables"].items():
                self._restore_table(logical, items)
            for logical, entries in state["buckets"].items():
                self._restore_bucket(logical, entries)
            for logical, bodies in state["queues"].items():
                self._restore_queue(logical, bodies)
            for entry in state["executions"]:
                if entry["status"] != "RUNNING":
                    restore_execution(entry)
        return [entry for entry in state["executions"] if entry["status"] == "RUNNING"]

    def _read(self) -> Json | None:
        path = self._folder / "state.json"
        if not path.exists():
            return None
        try:
            state: Json = json.loads(path.read_text(), object_hook=decode)
            version = state["version"]
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise StateError(
                f"{path} is not readable: {error}. Expected the state of a local stack."
            ) from error
        if version != VERSION:
            raise StateError(
                f"{path} has version {version!r}. Expected {VERSION}; use another --data-dir."
            )
        return state

    def _physical(self, logical: str, kind: str) -> str | None:
        if logical not in self._resources:
            LOG.warning("%s %s is not in the template any more; its data is dropped", kind, logical)
            return None
        return self._resources[logical].rsplit("/", 1)[-1]

    def _restore_table(self, logical: str, items: list[Json]) -> None:
        if name := self._physical(logical, "Table"):
            for item in items:
                dynamodb_backends[ACCOUNT][REGION].put_item(name, item)

    def _restore_queue(self, logical: str, bodies: list[str]) -> None:
        if name := self._physical(logical, "Queue"):
            for body in bodies:
                sqs_backends[ACCOUNT][REGION].send_message(name, body)

    def _restore_bucket(self, logical: str, entries: Mapping[str, Json]) -> None:
        if not (name := self._physical(logical, "Bucket")):
            return
        backend = s3_backends[ACCOUNT]["aws"]
        for key, entry in entries.items():
            path = self._folder / "objects" / entry["file"]
            try:
                data = path.read_bytes()
            except OSError as error:
                raise StateError(f"Object {key!r} of {logical} is lost: {error}.") from error
            kept = backend.put_object(
                name, key, data, etag=entry["etag"], disable_notification=True
            )
            kept.set_metadata(entry["metadata"])
            kept.last_modified = dt.datetime.fromisoformat(entry["modified"])


def restore_execution(entry: Json) -> None:
    """An execution that has ended: its name stays taken, its result can be described, its history
    is gone.
    """
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.backend.execution import Execution

    backend = stepfunctions_parser_backends[ACCOUNT][REGION]
    machine = backend._revision_by_name(entry["machine"])
    if machine is None:
        return
    execution = Execution(
        name=entry["name"],
        sm_type=machine.sm_type,
        role_arn=machine.roleArn,
        exec_arn=f"{machine.arn.replace(':stateMachine:', ':execution:')}:{entry['name']}",
        account_id=ACCOUNT,
        region_name=REGION,
        state_machine=machine,
        start_date=dt.datetime.fromisoformat(entry["started"]),
        cloud_watch_logging_session=None,
        input_data=entry["input"],
        activity_store={},
    )
    execution.exec_status = ExecutionStatus[entry["status"]]
    execution.stop_date = dt.datetime.fromisoformat(entry["stopped"]) if entry["stopped"] else None
    execution.output, execution.error, execution.cause = (
        entry["output"],
        entry["error"],
        entry["cause"],
    )
    machine.executions.append(execution)


def resume_execution(entry: Json) -> None:
    """Start an unfinished execution again, under its name and with its input."""
    backend = stepfunctions_parser_backends[ACCOUNT][REGION]
    machine = backend._revision_by_name(entry["machine"])
    if machine is None:
        LOG.warning(
            "State machine %s is gone; run %s is not resumed", entry["machine"], entry["name"]
        )
        return
    LOG.info("Resuming run %s", entry["name"])
    backend.start_execution(machine.arn, entry["name"], entry["input"])


def encode(value: Any) -> Any:
    """What JSON lacks: the bytes of a binary DynamoDB value."""
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}
    raise TypeError(f"{value!r} cannot be kept. Expected JSON or bytes.")


def decode(value: Json) -> Any:
    """The reverse of `encode`."""
    return base64.b64decode(value[BYTES]) if value.keys() == {BYTES} else value


def replace(path: Path, data: bytes) -> None:
    """Write a file so that it is either the old or the new one, whatever happens."""
    temporary = path.with_name(f"{path.name}.{threading.get_ident()}.tmp")
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(temporary.unlink, missing_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
