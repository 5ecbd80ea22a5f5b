"""What a service knows, in one SQLite file (WAL): resources, due steps, jobs, and tables of its own.

A change is made in a transaction; when the `with` block ends the change is on disk and every thread
sees it, so what was acknowledged survives `kill -9`. Resources are mirrored in memory, so that
serving never waits for a writer.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS resources (arn TEXT PRIMARY KEY, seq INTEGER, kind TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS steps (id INTEGER PRIMARY KEY, due REAL, arn TEXT, action TEXT, payload TEXT);
CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, arn TEXT, step TEXT, payload TEXT, spec TEXT,
                                 attempt INTEGER, state TEXT);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER);
"""

MOST_READERS = 64  # connections for reading that are kept open


@dataclass(frozen=True)
class Resource:
    """A resource of a service.

    doc    its document in wire names; what Describe answers is a projection of it
    notes  what no answer shows
    seq    its place in the order of creation; 0 until it is stored
    """

    arn: str
    kind: str
    doc: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    seq: int = 0

    @property
    def status(self) -> str:
        return str(self.doc.get("status", "ACTIVE"))

    def with_doc(self, **members: Any) -> Resource:
        return replace(self, doc={**self.doc, **members})

    def with_notes(self, **notes: Any) -> Resource:
        return replace(self, notes={**self.notes, **notes})


@dataclass(frozen=True)
class Step:
    """Something that happens to a resource at a time: `action` is a name that the lifecycle knows."""

    due: float
    arn: str
    action: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True)
class Job:
    """Work for a worker process; when it ends, `step` is taken for the resource with `payload`."""

    arn: str
    step: str
    spec: Mapping[str, Any]
    payload: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 0
    id: int = 0


class Live:
    """The committed resources in memory. Written under the store's lock, read by anybody."""

    def __init__(self) -> None:
        self.by_arn: dict[str, Resource] = {}
        self._by_kind: dict[str, dict[str, Resource]] = {}

    def of_kind(self, kind: str) -> dict[str, Resource]:
        return self._by_kind.get(kind, {})

    def put(self, resource: Resource) -> None:
        self.by_arn[resource.arn] = resource
        self._by_kind.setdefault(resource.kind, {})[resource.arn] = resource

    def remove(self, kind: str, arn: str) -> None:
        self.by_arn.pop(arn, None)
        self._by_kind.get(kind, {}).pop(arn, None)


class Store:
    """The file at `path`; `tables` is SQL that makes the service's own tables where they are missing."""

    def __init__(self, path: Path, tables: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.RLock()
        self._writer = _connect(path)
        # Kept in the file: readers need not ask for it.
        self._writer.execute("PRAGMA journal_mode=WAL")
        self._writer.executescript(_TABLES + tables)
        # Restarts are rare and resources few: all of them are read at once.
        self._live = Live()
        for arn, seq, kind, body in self._writer.execute(
            "SELECT arn, seq, kind, body FROM resources ORDER BY seq"
        ):
            self._live.put(Resource(arn=arn, kind=kind, seq=seq, **json.loads(body)))
        self._readers: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Closes every connection."""
        with self._lock:
            for connection in (self._writer, *self._readers):
                connection.close()

    def get(self, arn: str) -> Resource | None:
        """The committed resource."""
        return self._live.by_arn.get(arn)

    def all(self, kind: str) -> list[Resource]:
        """Resources of a kind, oldest first."""
        return list(self._live.of_kind(kind).values())

    def reading(self) -> Transaction:
        """What is committed, for reading only: waits for nobody."""
        return Transaction(self._writer, self._live)

    def query(
        self, sql: str, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[tuple[Any, ...]]:
        """Rows of a committed state, on a connection for reading: it never waits for a writer."""
        try:
            connection = self._readers.pop()  # atomic: no two threads get the same one
        except IndexError:
            connection = _connect(self.path)
        rows = connection.execute(sql, values).fetchall()
        if len(self._readers) < MOST_READERS:
            self._readers.append(connection)
        else:
            connection.close()
        return rows

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One change, all of it or nothing; transactions of all threads follow one another."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._writer, self._live)
            try:
                yield transaction
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
            transaction.publish()


class Transaction:
    """Reads see this transaction's own changes."""

    def __init__(self, connection: sqlite3.Connection, live: Live) -> None:
        self._connection = connection
        self._live = live
        self._changed: dict[str, tuple[str, Resource | None]] = {}

    def get(self, arn: str) -> Resource | None:
        return self._changed[arn][1] if arn in self._changed else self._live.by_arn.get(arn)

    def all(self, kind: str) -> list[Resource]:
        merged: dict[str, Resource | None] = dict(self._live.of_kind(kind))
        merged.update(
            {arn: resource for arn, (changed, resource) in self._changed.items() if changed == kind}
        )
        return [resource for resource in merged.values() if resource]

    def put(self, resource: Resource) -> Resource:
        """Stores a resource; a new one gets its place in the order of creation."""
        if not resource.seq:
            resource = replace(resource, seq=self.next_number("resource"))
        # JSON, so that a file outlives every change of our classes.
        body = {"doc": resource.doc, "notes": resource.notes, "tags": resource.tags}
        self.execute(
            "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?)",
            (resource.arn, resource.seq, resource.kind, json.dumps(body)),
        )
        self._changed[resource.arn] = (resource.kind, resource)
        return resource

    def delete(self, resource: Resource) -> None:
        self.execute("DELETE FROM resources WHERE arn = ?", (resource.arn,))
        self.execute("DELETE FROM steps WHERE arn = ?", (resource.arn,))
        self._changed[resource.arn] = (resource.kind, None)

    def next_number(self, name: str) -> int:
        self.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
            (name,),
        )
        return int(self.query("SELECT value FROM counters WHERE name = ?", (name,))[0][0])

    def schedule(self, step: Step) -> None:
        self.execute(
            "INSERT INTO steps (due, arn, action, payload) VALUES (?, ?, ?, ?)",
            (step.due, step.arn, step.action, json.dumps(step.payload)),
        )

    def take_step(self, now: float) -> Step | None:
        """The next step that is due, removed from the list."""
        rows = self.query(
            "SELECT due, arn, action, payload, id FROM steps WHERE due <= ? ORDER BY due, id LIMIT 1",
            (now,),
        )
        if not rows:
            return None
        due, arn, action, payload, number = rows[0]
        self.execute("DELETE FROM steps WHERE id = ?", (number,))
        return Step(due, arn, action, json.loads(payload), number)

    def cancel(self, arn: str, *actions: str) -> None:
        """Drops the steps of a resource that would take one of these actions."""
        for action in actions:
            self.execute("DELETE FROM steps WHERE arn = ? AND action = ?", (arn, action))

    def add_job(self, job: Job) -> None:
        self.execute(
            "INSERT INTO jobs (arn, step, payload, spec, attempt, state) VALUES (?, ?, ?, ?, 0, 'queued')",
            (job.arn, job.step, json.dumps(job.payload), json.dumps(job.spec)),
        )

    def jobs(self, state: str) -> list[Job]:
        rows = self.query(
            "SELECT arn, step, spec, payload, attempt, id FROM jobs WHERE state = ? ORDER BY id",
            (state,),
        )
        return [
            Job(row[0], row[1], json.loads(row[2]), json.loads(row[3]), row[4], row[5])
            for row in rows
        ]

    def mark_job(self, job: Job, state: str) -> Job:
        """`queued`, `running` (a new attempt) or `done`."""
        attempt = job.attempt + (state == "running")
        self.execute(
            "UPDATE jobs SET state = ?, attempt = ? WHERE id = ?", (state, attempt, job.id)
        )
        return replace(job, attempt=attempt)

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Runs one statement; answers the number of rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def execute_many(
        self, sql: str, rows: Iterable[Sequence[object] | Mapping[str, object]]
    ) -> int:
        """Runs one statement for every row, whose values go by place or by name."""
        return self._connection.executemany(sql, rows).rowcount

    def query(
        self, sql: str, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def publish(self) -> None:
        for arn, (kind, resource) in self._changed.items():
            if resource is None:
                self._live.remove(kind, arn)
            else:
                self._live.put(resource)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=256
    )
    # With WAL, NORMAL survives the end of the process at any moment, if not that of the machine.
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection
