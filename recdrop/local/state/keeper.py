"""Keeps the data of a stack over a restart, in a folder.

Kept: objects of the stack's buckets, items of its tables, messages in its queues, and what each
execution was started with and how it ended. The stack itself is made again from the template, so
code and definition may change between runs. An execution that had not ended is started again under
its name with its input: every task finds its own work. Not kept: execution histories, SNS and
CloudWatch data, resources that were made by hand.

    <folder>/state.json       format version, tables, queues, executions, the index of the objects
    <folder>/objects/<hash>   one file per object, named by bucket, key and ETag

`state.json` is replaced as a whole, after the objects it names are there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recdrop.local.aws import slimmoto

slimmoto.install()

from moto.dynamodb.models import dynamodb_backends  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402
from moto.sqs.models import sqs_backends  # noqa: E402

from recdrop.local.aws.identity import ACCOUNT, REGION  # noqa: E402
from recdrop.local.state.executions import kept_executions, restore_execution  # noqa: E402
from recdrop.local.state.files import Json, StateError, decode, encode, replace  # noqa: E402

LOG = logging.getLogger(__name__)
VERSION = 1
SAVE_SECONDS = 5.0


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
        """Save every few seconds, when something has changed.

        A killed process loses no more than that.
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
                    "executions": kept_executions() if executions is None else executions,
                    "buckets": dict(self._buckets()),
                }
            text = json.dumps(state, sort_keys=True, default=encode)
            if text == self._saved:
                return
            # The objects are there already (`_buckets` wrote them): the state never names a file
            # that is missing. Files it no longer names go last.
            self._folder.mkdir(parents=True, exist_ok=True)
            replace(self._folder / "state.json", text.encode())
            self._saved = text
            self._forget_objects(
                {
                    entry["file"]
                    for objects in state["buckets"].values()
                    for entry in objects.values()
                }
            )

    def _named(self, known: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """Logical id and name of the stack's resources that a back-end knows."""
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
            newest = [(key, buckets[name].keys[key]) for key in list(buckets[name].keys)]
            # In a bucket with versions a deleted object is still there, as a marker.
            objects = [(key, found) for key, found in newest if hasattr(found, "etag")]
            yield logical, {key: self._keep_object(logical, found) for key, found in objects}

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

    def restore(self) -> list[Json]:
        """Put back what was saved.

        Returns the executions that had not ended: the caller starts them again, once everything
        they call answers.

        Raises:
            StateError: the state cannot be read, or an object of it is lost.
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
            # No event: the drop was heard of in its first life.
            kept = backend.put_object(
                name, key, data, etag=entry["etag"], disable_notification=True
            )
            kept.set_metadata(entry["metadata"])
            kept.last_modified = dt.datetime.fromisoformat(entry["modified"])
