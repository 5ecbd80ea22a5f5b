"""Datasets as SQL tables of DuckDB: the bulk files, and merged into them what was streamed since.

Used by the workers and by the server (metadata and filters). One row per item, user or action (the
last one wins); interactions in the order they came.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from recdrop.personalize.data.csvrules import SQL_TYPES
from recdrop.personalize.data.schemas import DatasetSchema, Field, parse_schema

ID_OF = {"ITEMS": "ITEM_ID", "USERS": "USER_ID", "ACTIONS": "ACTION_ID"}
STREAM_OF = {"INTERACTIONS": "interaction", "ACTION_INTERACTIONS": "action"}
Columns = dict[str, NDArray[Any]]


_RECORDS = "SELECT record_id, properties FROM records WHERE dataset = ? AND seq <= ? ORDER BY seq"
_RESERVED = (
    "EVENT_TYPE",
    "EVENT_VALUE",
    "IMPRESSION",
    "RECOMMENDATION_ID",
    "EVENT_ATTRIBUTION_SOURCE",
)
_EVENTS = """
    SELECT coalesce(e.user_id, s.user_id), e.item_id, CAST(e.timestamp AS INTEGER), e.event_type,
           e.event_value, e.impression, e.recommendation_id, e.source, e.properties
    FROM events e LEFT JOIN (
        SELECT session_id, max(user_id) AS user_id FROM events
        WHERE grp = :grp AND kind = :kind AND id <= :upto AND user_id IS NOT NULL GROUP BY session_id
    ) s ON s.session_id = e.session_id
    WHERE e.grp = :grp AND e.kind = :kind AND e.id <= :upto AND e.item_id IS NOT NULL
      AND coalesce(e.user_id, s.user_id) IS NOT NULL
    ORDER BY e.timestamp, e.id"""


class Tables:
    """Tables named as the dataset types, for those the snapshot has. `root` is the data folder."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        root: Path,
        database: Path,
        taken: Mapping[str, Any],
    ) -> None:
        self._connection = connection
        self._root = root
        self._database = database
        self._taken = taken
        self.schemas = {
            kind: parse_schema(dataset["schema"], domain=dataset["domain"])
            for kind, dataset in taken["datasets"].items()
        }

    def has(self, kind: str) -> bool:
        return kind in self.schemas

    def create(self, kind: str, *, bulk: bool = True, streamed: bool = True) -> None:
        """Makes the table of a dataset; both parts may be left out (exports ask for one)."""
        schema = self.schemas[kind]
        names = ", ".join(quote(name) for name in schema.names)
        files = self._taken["datasets"][kind]["files"] if bulk else []
        parts = [self._select_file(file, place, schema) for place, file in enumerate(files)]
        rows = self._streamed_rows(kind) if streamed else iter(())
        self._create_streamed(kind, schema, rows)
        parts.append(f"SELECT {names}, {len(files)} AS part, rowid AS place FROM streamed_{kind}")
        union = " UNION ALL ".join(parts)
        # Of an item, user or action the newest row counts: streamed after imported, later after
        # earlier. Interactions all count.
        last = "QUALIFY row_number() OVER (PARTITION BY {} ORDER BY part DESC, place DESC) = 1"
        kept = last.format(ID_OF[kind]) if kind in ID_OF else ""
        order = ID_OF.get(kind, "part, place")
        self.run(f"CREATE TABLE {kind} AS SELECT {names} FROM ({union}) {kept} ORDER BY {order}")

    def run(self, sql: str, values: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        """Runs one statement."""
        return self._connection.execute(sql, list(values))

    def number(self, sql: str) -> int:
        """The one number that a query answers; 0 when there is none."""
        row = self.run(sql).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def columns(self, sql: str) -> Columns:
        """The result by column.

        Where a value is missing, numbers have NaN and texts, which are objects, have None.
        """
        return {name: _plain(values) for name, values in self.run(sql).fetchnumpy().items()}

    def _select_file(self, file: str, place: int, schema: DatasetSchema) -> str:
        """SQL for the rows of one imported file.

        The schema may have got fields since the import; in its file those have no value.
        """
        path = literal(str(self._root / file))
        described = self.run(f"DESCRIBE SELECT * FROM read_parquet({path})").fetchall()
        present = {row[0] for row in described}
        columns = []
        for spec in schema.fields:
            name = quote(spec.name)
            missing = f"NULL::{SQL_TYPES[spec.type]} AS {name}"
            columns.append(name if spec.name in present else missing)
        return (
            f"SELECT {', '.join(columns)}, {place} AS part, file_row_number AS place "
            f"FROM read_parquet({path}, file_row_number = true)"
        )

    def _create_streamed(
        self, kind: str, schema: DatasetSchema, rows: Iterator[Mapping[str, Any]]
    ) -> None:
        declared = ", ".join(f"{quote(spec.name)} {SQL_TYPES[spec.type]}" for spec in schema.fields)
        self.run(f"CREATE TABLE streamed_{kind} ({declared})")
        columns = ", ".join(
            f"{literal(spec.name)}: {literal(SQL_TYPES[spec.type])}" for spec in schema.fields
        )
        # DuckDB reads a file far faster than single inserts.
        with NamedTemporaryFile("w", suffix=".jsonl") as file:
            for row in rows:
                values = {spec.name: _typed(row.get(spec.name), spec) for spec in schema.fields}
                file.write(json.dumps(values) + "\n")
            file.flush()
            if file.tell():
                options = f"columns = {{{columns}}}, format = 'newline_delimited'"
                source = f"read_json({literal(file.name)}, {options})"
                self.run(f"INSERT INTO streamed_{kind} SELECT * FROM {source}")

    def _streamed_rows(self, kind: str) -> Iterator[Mapping[str, Any]]:
        if kind in ID_OF:
            return self._records(kind)
        return self._events(kind)

    def _records(self, kind: str) -> Iterator[Mapping[str, Any]]:
        values = (self._taken["datasets"][kind]["arn"], self._taken["records_upto"])
        for record_id, properties in self._query(_RECORDS, values):
            yield read_record(self.schemas[kind], record_id, properties)

    def _events(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Streamed events of known users.

        The events of a session count for the user who logged in during it.
        """
        by_key = {plain(name): name for name in self.schemas[kind].names}
        item = "ACTION_ID" if kind == "ACTION_INTERACTIONS" else "ITEM_ID"
        values = {
            "grp": self._taken["group"],
            "upto": self._taken["events_upto"],
            "kind": STREAM_OF[kind],
        }
        columns = ("USER_ID", item, "TIMESTAMP", *_RESERVED)
        for *row, properties in self._query(_EVENTS, values):
            # The event's own members win over properties of the same name.
            yield {
                **named(json.loads(properties or "{}"), by_key),
                **dict(zip(columns, row, strict=True)),
            }

    def _query(
        self, sql: str, values: Sequence[object] | Mapping[str, object]
    ) -> Iterator[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)
        try:
            yield from connection.execute(sql, values)
        finally:
            connection.close()


@contextmanager
def open_tables(
    root: Path, database: Path, taken: Mapping[str, Any], *, threads: int = 2
) -> Iterator[Tables]:
    with duckdb.connect(config={"threads": threads}) as connection:
        yield Tables(connection, root, database, taken)


def read_record(schema: DatasetSchema, record_id: str, properties: str | None) -> dict[str, Any]:
    """A streamed item, user or action by the schema's field names.

    Values are as their columns hold them; one that does not fit is None.
    """
    by_key = {plain(name): name for name in schema.names}
    values = named(json.loads(properties or "{}"), by_key)
    typed = {spec.name: _typed(values.get(spec.name), spec) for spec in schema.fields}
    return {**typed, ID_OF[schema.dataset_type]: record_id}


def plain(name: str) -> str:
    """`numRatings` and `NUM_RATINGS` are one field: letters and digits, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def named(properties: Mapping[str, Any], by_key: Mapping[str, str]) -> dict[str, Any]:
    """JSON properties by the schema's field names; others are dropped."""
    return {
        by_key[plain(name)]: value for name, value in properties.items() if plain(name) in by_key
    }


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _typed(value: Any, spec: Field) -> Any:
    """A streamed value as its column holds it; one that does not fit counts as missing."""
    if value is None or value == "":
        return None
    if spec.type == "string":
        return "|".join(map(str, value)) if isinstance(value, list) else str(value)
    if spec.type == "boolean":
        return str(value).lower() == "true"
    try:
        return float(value) if spec.type in ("float", "double") else int(float(value))
    except (TypeError, ValueError):
        return None


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind in "iufb":
        mask = np.ma.getmaskarray(values)
        if not mask.any():
            return np.asarray(values.data)
        return np.where(mask, np.nan, values.data.astype(np.float64))
    filled = np.array(values.data, dtype=object)
    filled[np.ma.getmaskarray(values)] = None
    return filled
