"""One export file to a clean Personalize CSV, its sampled rows, a quarantine and a report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.documents import ColumnReport, Counted, FileReport
from chalicelib.normalise import engine
from chalicelib.normalise.bytes.objects import MAX_OBJECT
from chalicelib.normalise.bytes.sequences import HEADER, NOTE, write_rows
from chalicelib.normalise.bytes.unpacking import Unpacked, unpack
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.columns import Column, avro_name, map_columns
from chalicelib.normalise.rows.counting import (
    count_drops,
    count_fixes,
    mark_duplicates,
)
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.parts import BUCKETS, Users, sample_users, write_parts
from chalicelib.normalise.rows.profiles import profile_columns
from chalicelib.normalise.rows.quarantine import read_lines, write_quarantine
from chalicelib.normalise.rows.rules import NOT_BAD, NULL_IDS, RowRules, no_item_event, write_rules
from chalicelib.normalise.rows.sources import Source, open_source, reading
from chalicelib.normalise.rows.table import Table, load
from chalicelib.normalise.rows.times import HINTS, TimeFormat, find_formats
from chalicelib.vocabulary.datasets import DATASETS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Normalised:
    """`part` and `sampled` are clean CSV files with the same header.

    `sampled` and `quarantine` exist only when they have rows.
    """

    report: FileReport
    part: Path
    sampled: Path | None
    quarantine: Path | None


def normalise_file(
    source: Path,
    folder: Path,
    *,
    dataset: str,
    key: str,
    file_rules: FileRules,
    now: float,
    memory_mb: int = engine.MEMORY_MB,
) -> Normalised:
    """Clean one file into `folder`: part.csv, sampled.csv, quarantine.jsonl.

    `folder` must exist. `key` names the file in messages, `now` is epoch seconds, `memory_mb`
    bounds DuckDB. The same bytes and rules give the same files.

    Raises:
        FileRejected: the file as a whole cannot be used.
    """
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        unpacked = unpack(source, scratch, file_rules.encoding)
        if file_rules.are_sequences:
            unpacked = _from_sequences(unpacked, scratch / "sequences")
        zone = file_rules.timezone
        with engine.connect(scratch, timezone=zone, memory_mb=memory_mb) as connection:
            file = _File(unpacked, folder, scratch, dataset, key, file_rules, now)
            return file.normalise(connection)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _from_sequences(unpacked: Unpacked, target: Path) -> Unpacked:
    rows = write_rows(unpacked.path, target)
    traits = replace(unpacked.traits, lines=rows + 1)
    notes = (*unpacked.notes, NOTE)
    return replace(unpacked, path=target, format="csv", traits=traits, notes=notes, head=HEADER)


@dataclass(frozen=True)
class _File:
    """What is known of the file before its first row is read."""

    unpacked: Unpacked
    folder: Path
    scratch: Path
    dataset: str
    key: str
    rules: FileRules
    now: float

    @property
    def row_key(self) -> str | None:
        """The column by which a row replaces an earlier one."""
        return DATASETS[self.dataset].key

    def normalise(self, connection: DuckDBPyConnection) -> Normalised:
        """Read, decide, write: see `normalise_file`."""
        said = self.rules
        source = open_source(connection, self.unpacked, said.header, said.told, said.columns)
        columns = self._columns(source)
        source = source.with_orders(said.order_key, columns)
        names = [column.name for column in columns]

        # Read every row once: clean values, and what is wrong with each.
        told = self.rules.timestamp_format
        with reading(self.unpacked.format):
            times = find_formats(connection, source.sql, columns, told, self.now)
        rules = self._row_rules(source, columns, times)
        table = load(
            connection,
            self.unpacked,
            source,
            rules,
            self.scratch,
            key=self.row_key,
            told=said.told,
        )
        dropped = count_drops(table)
        rows = table.count() + (table.mended.lost if table.mended else 0)
        # Before the budget is checked: a refused file needs its quarantine most of all.
        quarantine = write_quarantine(table, self.key, self.folder / "quarantine.jsonl")
        self._check_budget(table, rows, dropped, columns, times)

        # Decide which rows stay, and which of them are set aside.
        fixed = count_fixes(table)
        dropped += mark_duplicates(table, names, self.row_key, keep=self.rules.keep_duplicates)
        table.create_kept(names)
        limit = int(self.rules.withhold * BUCKETS)
        users = sample_users(table, self.dataset, names, limit, self.rules.seed)

        # Measure and write what is left.
        reports = profile_columns(connection, columns, "kept", self.rules.numbers)
        parts = write_parts(
            table,
            names,
            self.folder,
            is_clean=not dropped and not fixed,
            everyone=self.rules.withhold >= 1,
        )
        notes = [
            *self.unpacked.notes,
            *self._dialect(table.source),
            *(t.note for t in times.values() if t.note),
            *self._lost(rows),
        ]
        report = self._report(
            source, rows, dropped, fixed, notes, reports, users, parts.sampled_rows
        )
        sampled = parts.sampled if parts.sampled_rows else None
        return Normalised(report, parts.part, sampled, quarantine)

    # -- what to read ------------------------------------------------------------------------------

    def _columns(self, source: Source) -> list[Column]:
        """The columns of the clean file."""
        mapped = map_columns(self.dataset, source.header, self.rules.columns)
        unwanted = {avro_name(column) for column in self.rules.drop_columns}
        kept = [column for column in mapped if column.name not in unwanted]
        if not self._is_call_log(source):
            return kept
        # Logs of calls have other fields in every file: only those that a dataset has, or the
        # config names, make columns. Else no two files of an export would have the same header.
        named = {avro_name(target) for target in self.rules.columns}
        known = {*DATASETS[self.dataset].own, *named}
        return [column for column in kept if column.name in known]

    def _is_call_log(self, source: Source) -> bool:
        """Whether most rows may well be no event of a user with an item."""
        is_log = self.rules.calls_as_objects and source.is_nested
        return self.rules.item_events_only or is_log

    def _row_rules(
        self, source: Source, columns: Sequence[Column], times: Mapping[str, TimeFormat]
    ) -> RowRules:
        first = [*source.drops]
        traits = self.unpacked.traits
        if source.dialect and source.dialect.bare:
            traits = replace(traits, controls=True)  # line breaks may be escaped
        if self._is_call_log(source):
            first.append(no_item_event(columns, DATASETS[self.dataset].required[:2]))
        return write_rules(
            columns,
            traits,
            self.now,
            plain=source.plain,
            events=self.rules.events,
            before=first,
            numbers=self.rules.numbers,
            whole_ids=self.rules.whole_ids,
            null_ids=NULL_IDS if self.rules.told.nulls is None else self.rules.told.nulls,
            times=times,
        )

    # -- what came of it ---------------------------------------------------------------------------

    def _check_budget(
        self,
        table: Table,
        rows: int,
        dropped: Sequence[Counted],
        columns: Sequence[Column],
        times: Mapping[str, TimeFormat],
    ) -> None:
        """A few bad rows are left out; many mean that the file is not what it seems."""
        if rows == 0:
            raise FileRejected("no-rows", "The file has a header and no rows. Expected rows.")
        bad = sum(d.rows for d in dropped if d.code not in NOT_BAD)
        if bad > rows * self.rules.max_bad_rows:
            worst = max(dropped, key=lambda d: d.rows)
            where = _show(table, worst.lines[0]) if worst.lines else ""
            read_as = ", ".join(f"{c.name} = {c.source}" for c in columns[:8])
            raise FileRejected(
                "too-many-bad-rows",
                f"{bad:,} of {rows:,} rows cannot be used, "
                f"more than {self.rules.max_bad_rows:.0%}: "
                f"{worst.rows:,} {worst.sentence}{where}. Columns were read as {read_as}."
                f"{_time_hint(worst.code, times)}",
            )
        if sum(d.rows for d in dropped) >= rows:
            first = dropped[0]
            raise FileRejected(
                "no-rows",
                f"None of the {rows:,} rows can be used: {first.rows:,} {first.sentence}."
                f"{_time_hint(first.code, times)}",
            )

    def _report(
        self,
        source: Source,
        rows: int,
        dropped: Sequence[Counted],
        fixed: Sequence[Counted],
        notes: Sequence[str],
        columns: Sequence[ColumnReport],
        users: Users,
        sampled: int,
    ) -> FileReport:
        by_name = {column.name: column for column in columns}
        time, events, item = (by_name.get(n) for n in ("TIMESTAMP", "EVENT_TYPE", "ITEM_ID"))
        return FileReport(
            dataset=self.dataset,
            key=self.key,
            source_bytes=self.unpacked.source_bytes,
            sha256=self.unpacked.sha256,
            format=self.unpacked.format,
            header=source.header,
            rows=rows,
            kept=rows - sum(d.rows for d in dropped),
            sampled=sampled,
            fixed=tuple(fixed),
            dropped=tuple(dropped),
            notes=tuple(notes),
            columns=tuple(columns),
            first_timestamp=_whole(time.minimum if time else None),
            last_timestamp=_whole(time.maximum if time else None),
            event_types=dict(events.top) if events else {},
            users=users.users,
            users_with_two=users.with_two,
            items=item.distinct if item else 0,
        )

    def _dialect(self, source: Source) -> tuple[str, ...]:
        """What was decided on how the file is written."""
        if source.dialect is None:
            return ()
        signs = self.unpacked.traits
        told = source.dialect.describe(quotes=signs.quotes, backslashes=signs.backslashes)
        return (told,)

    def _lost(self, rows: int) -> tuple[str, ...]:
        """A note on lines of a JSON file that gave no row.

        JSON lines have no header or line breaks to confuse them, so such a line is blank, or too
        long to parse.
        """
        if self.unpacked.format != "json":
            return ()
        missing = self.unpacked.traits.lines - rows
        if missing <= 0:
            return ()
        return (f"{missing:,} lines are blank or longer than {MAX_OBJECT:,} bytes",)


def _time_hint(code: str, times: Mapping[str, TimeFormat]) -> str:
    """What the config could say when times are why a file is refused."""
    form = times.get("TIMESTAMP")
    if form is None or code not in HINTS:
        return ""
    return f" {form.hint or HINTS[code]}"


def _show(table: Table, line: int) -> str:
    text = read_lines(table, [line]).get(line, "")
    return f" (line {line}: {text[:80]!r})" if text else f" (row {line})"


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
