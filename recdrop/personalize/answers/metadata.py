"""Items, users and actions as the server holds them.

A streamed record counts in the next answer, but reading a table anew takes long. So the table is
kept as it was imported, the newer records are a small table of their own, and only when there are
many of them is the whole read again.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from recdrop.personalize.answers.lookup import NO_ROWS, Layered, Rows, read_rows, rows_of_records
from recdrop.personalize.data.schemas import parse_schema
from recdrop.personalize.data.tables import open_tables
from recdrop.service.cache import Cache
from recdrop.service.resources.store import Resource, Store

MOST_NEWER = 1_000  # streamed records; with more of them the table is read again
_NEWER = """
    SELECT record_id, properties FROM records
    WHERE dataset = ? AND seq > ? AND seq <= ? ORDER BY seq"""


@dataclass(frozen=True)
class Base:
    """A table as it was when the last record of `upto` had come; `key` is equal for equal tables."""

    key: Hashable
    rows: Rows
    upto: int


NOTHING = Layered(NO_ROWS, NO_ROWS)


class Metadata:
    """The metadata tables of all groups; the last used stay in memory."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self._root = root
        self._bases = Cache(24)
        self._newer = Cache(48)

    def dataset(self, group: str, kind: str) -> Resource | None:
        """The dataset of a group; None when it has none of that kind."""
        prefix, _, tail = group.rpartition(":")
        return self._store.get(f"{prefix}:dataset/{tail.rpartition('/')[2]}/{kind}")

    def layers(self, group: str, kind: str) -> tuple[Hashable, Layered]:
        """The table as it is now, with a key that names its base."""
        dataset = self.dataset(group, kind)
        if dataset is None:
            return (group, kind), NOTHING
        last = self._last_record(dataset)
        base = self._base(dataset, last)
        return base.key, Layered(base.rows, self._newer_rows(dataset, base, last))

    def _base(self, dataset: Resource, last: int) -> Base:
        key = (dataset.arn, tuple(dataset.notes.get("files", ())), dataset.doc["schemaArn"])
        base: Base = self._bases.get(key, lambda: self._read(dataset, key, last))
        count = self._store.query(
            "SELECT count(*) FROM records WHERE dataset = ? AND seq > ?", (dataset.arn, base.upto)
        )[0][0]
        if count > MOST_NEWER:
            # Several threads may come here at once: `forget` drops the old base once, and the first
            # to ask again reads for all.
            self._bases.forget(key, base)
            base = self._bases.get(key, lambda: self._read(dataset, key, last))
        return base

    def _last_record(self, dataset: Resource) -> int:
        return int(
            self._store.query(
                "SELECT coalesce(max(seq), 0) FROM records WHERE dataset = ?", (dataset.arn,)
            )[0][0]
        )

    def _newer_rows(self, dataset: Resource, base: Base, last: int) -> Rows:
        if last <= base.upto:
            return NO_ROWS

        def read() -> Rows:
            schema = self._schema(dataset)
            records = self._store.query(_NEWER, (dataset.arn, base.upto, last))
            avro = parse_schema(schema.doc["schema"], domain=schema.doc.get("domain"))
            return rows_of_records(avro, [(row[0], row[1]) for row in records])

        return self._newer.get((base.key, base.upto, last), read)

    def _read(self, dataset: Resource, key: Hashable, last: int) -> Base:
        schema = self._schema(dataset)
        kind = dataset.doc["datasetType"]
        described = {
            "arn": dataset.arn,
            "schema": schema.doc["schema"],
            "domain": schema.doc.get("domain"),
            "files": dataset.notes.get("files", []),
        }
        taken = {"group": "", "datasets": {kind: described}, "events_upto": 0, "records_upto": last}
        with open_tables(self._root, self._store.path, taken, threads=1) as tables:
            return Base((key, last), read_rows(tables, kind), last)

    def _schema(self, dataset: Resource) -> Resource:
        schema = self._store.get(dataset.doc["schemaArn"])
        assert schema is not None  # noqa: S101 - a schema in use cannot be deleted
        return schema
