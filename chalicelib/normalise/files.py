"""One export file to a clean Personalize CSV, its sampled rows, a quarantine of what was dropped,
and a report.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.config.sections import Config
from chalicelib.documents import MAX_SAMPLES, ColumnReport, Counted, FileReport
from chalicelib.normalise import columns as columns_module
from chalicelib.normalise import dialect, engine, mending, passing, rules
from chalicelib.normalise.columns import Column
from chalicelib.normalise.engine import literal, name
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.intake import Intake, take_in
from chalicelib.normalise.profiles import profile_columns

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_QUARANTINE = 10_000
MAX_OBJECT = 4_000_000
# Segment's "Order Completed" holds a list of products: each is an interaction of its own.
PRODUCTS = "properties.products"
ITEM_FIELD = "properties.sku"
# Rows left out because the config or the source says so; they are no fault of the file.
NOT_BAD = ("event-type", "no-item-event")
BUCKETS = 1_000_000


@dataclass(frozen=True)
class FileRules:
    """What the config says about the files of one drop folder.

    `withhold` is the share of users whose rows go to the sampled file. `item_events_only` is for
    logs of all kinds of calls: those without a user or an item are left out and are no fault.
    """

    columns: Mapping[str, str]
    header: tuple[str, ...] = ()
    timezone: str = "UTC"
    max_bad_rows: float = 0.05
    keep_duplicates: bool = False
    events: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    item_events_only: bool = False
    withhold: float = 0.02
    seed: str = "recdrop"

    @classmethod
    def from_config(cls, config: Config, folder: str) -> FileRules:
        section = config.folder(folder)
        columns = config.columns_for(folder)
        if folder == "segment-logs":
            columns = {**columns_module.SEGMENT_FIELDS, **columns}
        return cls(
            columns=columns,
            header=(section.header if section else ()) or config.source.header,
            timezone=config.source.timezone,
            max_bad_rows=config.source.max_bad_rows,
            keep_duplicates=config.source.keep_duplicates,
            events=section.events if section else (),
            drop_columns=section.drop_columns if section else (),
            item_events_only=folder == "segment-logs",
            withhold=max((s.gate.withhold for s in config.solution), default=0.0),
        )


@dataclass(frozen=True)
class Normalised:
    """`part` and `sampled` are clean CSV files with the same header; `sampled` and `quarantine`
    exist only when they have rows.
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
    """Clean one file into `folder`, which must exist and gets part.csv, sampled.csv and
    quarantine.jsonl.

    `key` names the file in messages, `now` is epoch seconds. The same bytes and rules give the same
    files.

    :raises FileRejected: when the file as a whole cannot be used.
    """
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        intake = take_in(source, scratch)
        with engine.connect(
            scratch, timezone=file_rules.timezone, memory_mb=memory_mb
        ) as connection:
            return _File(connection, intake, folder, scratch, dataset, key, file_rules, now).run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass
class _File:
    connection: DuckDBPyConnection
    intake: Intake
    folder: Path
    scratch: Path
    dataset: str
    key: str
    file_rules: FileRules
    now: float

    def run(self) -> Normalised:
        self._plain: set[int] = set()
        header, source = self._open()
        unwanted = {columns_module.avro_name(c) for c in self.file_rules.drop_columns}
        mapped = columns_module.map_columns(self.dataset, header, self.file_rules.columns)
        mapped = [
            c
            for c in mapped
            if c.name not in unwanted
            and (not self.file_rules.item_events_only or self._is_asked_for(c))
        ]
        row_rules = rules.write_rules(
            mapped, self.intake.traits, self.now, self.file_rules.events, self._plain
        )
        if self.intake.format == "json":
            row_rules = replace(
                row_rules,
                drops=(rules.Drop("json", "are no JSON object", "_unreadable"), *row_rules.drops),
            )
        if self.file_rules.item_events_only:
            ids = [
                f"_c{c.index} IS NULL"
                for c in mapped
                if c.name in columns_module.REQUIRED[self.dataset][:2]
            ]
            other = rules.Drop(
                "no-item-event", "are no event of a user with an item", " OR ".join(ids)
            )
            row_rules = replace(row_rules, drops=(row_rules.drops[0], other, *row_rules.drops[1:]))
        self._load(row_rules, source)
        unparsable = self._mended.drops() if self._mended else []
        rows = self._count("t") + sum(d.rows for d in unparsable)
        dropped = [*unparsable, *self._dropped(row_rules)]
        quarantine = self._write_quarantine(row_rules)
        self._check_budget(rows, dropped, mapped)
        duplicates = self._mark_duplicates(mapped)
        dropped += duplicates
        self.connection.execute(
            f"CREATE VIEW kept AS SELECT {_list(mapped)} FROM t WHERE {self._kept()}"
        )
        users = self._split_users(mapped)
        self._fixes = self._fixed(row_rules)
        part, sampled, sampled_rows = self._write(mapped)
        reports = profile_columns(self.connection, mapped, "kept")
        kept = rows - sum(d.rows for d in dropped)
        report = self._report(header, rows, kept, sampled_rows, dropped, reports, users)
        return Normalised(report, part, sampled if sampled_rows else None, quarantine)

    def _is_asked_for(self, column: Column) -> bool:
        """Logs of calls have other fields in every file: only those that a dataset has, or the
        config names, make columns.
        """
        known = (*columns_module.REQUIRED[self.dataset], *columns_module.RESERVED[self.dataset])
        return column.name in known or column.name in {
            columns_module.avro_name(target) for target in self.file_rules.columns
        }

    def _open(self) -> tuple[tuple[str, ...], str]:
        """The header and the SQL source with text columns _c0, _c1, ..."""
        if self.intake.format == "parquet":
            return self._open_parquet()
        if self.intake.format == "json":
            return self._open_json()
        self._dialect = dialect.read_dialect(self.intake, self.file_rules.header)
        return self._dialect.header, self._csv_source(self.intake.path, self._dialect.header_lines)

    def _csv_source(self, path: Path, skip: int) -> str:
        found = self._dialect
        types = ", ".join(f"'_c{i}': 'VARCHAR'" for i in range(len(found.header)))
        quote, escape = ('"', found.escape) if self.intake.traits.quotes else ("", "")
        # DuckDB takes no null text that holds the escape character: there the N with a backslash is
        # made null one step later.
        nulls = ", ".join(literal(n) for n in rules.NULLS if escape != "\\" or "\\" not in n)
        source = (
            f"read_csv({literal(str(path))}, auto_detect = false, header = false, skip = {skip}, "
            f"delim = {literal(found.delimiter)}, quote = {literal(quote)}, escape = {literal(escape)}, "
            f"columns = {{{types}}}, nullstr = [{nulls}], new_line = '\\n', strict_mode = true, ignore_errors = true, "
            f"max_line_size = {mending.MAX_LINE + 2})"
        )
        if escape != "\\":
            return source
        cells = ", ".join(f"nullif(_c{i}, '\\N') AS _c{i}" for i in range(len(found.header)))
        return f"(SELECT {cells} FROM {source})"

    def _open_parquet(self) -> tuple[tuple[str, ...], str]:
        path = literal(str(self.intake.path))
        described = self._rows(f"DESCRIBE SELECT * FROM read_parquet({path})")
        self._plain = {
            i
            for i, (_, kind, *_) in enumerate(described)
            if not kind.startswith(("VARCHAR", "STRUCT", "MAP", "BLOB", "JSON"))
        }
        cells = ", ".join(
            f"{_as_text(column, kind)} AS _c{i}" for i, (column, kind, *_) in enumerate(described)
        )
        return tuple(row[0] for row in described), f"(SELECT {cells} FROM read_parquet({path}))"

    def _open_json(self) -> tuple[tuple[str, ...], str]:
        fields = dialect.read_json_fields(self.intake)
        path = literal(str(self.intake.path))
        if PRODUCTS in fields and ITEM_FIELD not in fields:
            fields = (*fields, ITEM_FIELD)
        cells = ", ".join(f"{_json_cell(field)} AS _c{i}" for i, field in enumerate(fields))
        if self.intake.head.lstrip()[:1] == b"[":
            objects = f"SELECT json AS j FROM read_json_objects({path}, format = 'array', maximum_object_size = {MAX_OBJECT})"
        else:
            lines = (
                f"read_csv({path}, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', "
                f"columns = {{'line': 'VARCHAR'}}, new_line = '\\n', ignore_errors = true, max_line_size = {MAX_OBJECT})"
            )
            objects = f"SELECT CASE WHEN json_valid(line) THEN line END AS j FROM {lines} WHERE trim(line) <> ''"
        numbered = f"SELECT row_number() OVER () AS _line, j FROM ({objects})"
        if PRODUCTS in fields:
            cells = cells.replace(
                _json_cell(ITEM_FIELD),
                f"coalesce(p ->> '$.sku', p ->> '$.product_id', {_json_cell(ITEM_FIELD)})",
            )
            each = f"json_extract(j, '$.{PRODUCTS}[*]')"
            numbered = f"SELECT _line, j, unnest(CASE WHEN len({each}) > 0 THEN {each} ELSE [NULL] END) AS p FROM ({numbered})"
        return fields, f"(SELECT _line, j IS NULL AS _unreadable, {cells} FROM ({numbered}))"

    def _load(self, row_rules: rules.RowRules, source: str) -> None:
        self._mended: mending.Mended | None = None
        key = columns_module.KEYS.get(self.dataset)
        keys = [key] if key else [alias for alias, _ in row_rules.values]
        carry = ["_line"] if self.intake.format == "json" else []
        self._create(rules.write_select(row_rules, source, keys, carry))
        if (
            self.intake.format != "csv"
            or self._count("t") + self._dialect.header_lines == self.intake.traits.lines
        ):
            return
        # Fewer rows than lines: blank lines, quoted line breaks, or lines that are no rows. DuckDB
        # can store what it rejects, at 3 KB of memory per line and without noticing the lines that
        # an open quote swallows; so look for ourselves.
        self.connection.execute("DROP TABLE t")
        self._mended = mending.mend(self.intake.path, self.scratch / "mended.csv", self._dialect)
        self.intake.traits.quotes |= self._mended.quoted
        self._create(rules.write_select(row_rules, self._csv_source(self._mended.path, 0), keys))
        if (rows := self._count("t")) != self._mended.records:
            raise FileRejected(
                "unreadable",
                f"{self._mended.records - rows:,} of {self._mended.records:,} rows cannot be parsed as CSV.",
            )

    def _create(self, select: str) -> None:
        import duckdb

        try:
            self.connection.execute(f"CREATE TABLE t AS {select}")
        except duckdb.Error as error:
            raise FileRejected(
                "unreadable",
                f"The file cannot be read as {self.intake.format}: {_first_line(error)}",
            ) from error

    def _count(self, table: str, where: str = "true") -> int:
        return int(self._row(f"SELECT count(*) FROM {table} WHERE {where}")[0])

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        try:
            return self.connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise FileRejected(
                "unreadable",
                f"The file cannot be read as {self.intake.format}: {_first_line(error)}",
            ) from error

    def _row(self, sql: str) -> tuple[Any, ...]:
        row = self.connection.execute(sql).fetchone()
        return row if row is not None else ()

    def _dropped(self, row_rules: rules.RowRules) -> list[Counted]:
        found = self.connection.execute(
            "SELECT _why, count(*), min(rowid, ?) FROM t WHERE _why > 0 GROUP BY _why ORDER BY _why",
            [MAX_SAMPLES],
        ).fetchall()
        return [
            Counted(
                row_rules.drops[why - 1].code,
                row_rules.drops[why - 1].sentence,
                rows,
                tuple(self._lines(sorted(ids))),
            )
            for why, rows, ids in found
        ]

    def _lines(self, ids: Sequence[int]) -> list[int]:
        """Line numbers of parsed rows."""
        if self._mended is not None:
            return [self._mended.line_of(i) for i in ids]
        if self.intake.format == "json":
            found = self.connection.execute(
                "SELECT rowid, _line FROM t WHERE rowid IN (SELECT unnest(?))", [list(ids)]
            ).fetchall()
            line_of = dict(found)
            return [line_of[i] for i in ids]
        before = self._dialect.header_lines if self.intake.format == "csv" else 0
        return [i + 1 + before for i in ids]

    def _write_quarantine(self, row_rules: rules.RowRules) -> Path | None:
        path = self.folder / "quarantine.jsonl"
        rows: list[tuple[int, str, str]] = []
        if self._mended is not None:
            rows += [(bad.line, bad.reason, bad.text) for bad in self._mended.bad]
        values = ", ".join(
            f"left(CAST({name(alias)} AS VARCHAR), 300)" for alias, _ in row_rules.values
        )
        wrong = [index for index, drop in enumerate(row_rules.drops, 1) if drop.code not in NOT_BAD]
        found = self.connection.execute(
            f"SELECT rowid, _why, [{values}] FROM t WHERE _why IN (SELECT unnest(?)) ORDER BY rowid LIMIT {MAX_QUARANTINE - len(rows)}",
            [wrong],
        ).fetchall()
        lines = self._lines([row[0] for row in found])
        texts = {} if self.intake.format == "parquet" else _read_lines(self.intake.path, set(lines))
        rows += [
            (
                line,
                row_rules.drops[why - 1].sentence,
                texts.get(line) or ",".join(v or "" for v in cells),
            )
            for line, (_, why, cells) in zip(lines, found, strict=True)
        ]
        if not rows:
            return None
        with path.open("w", encoding="utf-8") as out:
            for line, reason, text in sorted(rows):
                out.write(
                    json.dumps(
                        {"file": self.key, "line": line, "reason": reason, "text": text},
                        ensure_ascii=False,
                    )
                    + "\n"
                )
        return path

    def _check_budget(
        self, rows: int, dropped: Sequence[Counted], mapped: Sequence[Column]
    ) -> None:
        bad = sum(d.rows for d in dropped if d.code not in NOT_BAD)
        if rows == 0:
            raise FileRejected("no-rows", "The file has a header and no rows. Expected rows.")
        if bad > rows * self.file_rules.max_bad_rows:
            worst = max(dropped, key=lambda d: d.rows)
            where = self._show(worst.lines[0]) if worst.lines else ""
            raise FileRejected(
                "too-many-bad-rows",
                f"{bad:,} of {rows:,} rows cannot be used, more than {self.file_rules.max_bad_rows:.0%}: "
                f"{worst.rows:,} {worst.sentence}{where}. Columns were read as {', '.join(f'{c.name} = {c.source}' for c in mapped[:8])}.",
            )
        if sum(d.rows for d in dropped) >= rows:
            raise FileRejected(
                "no-rows",
                f"None of the {rows:,} rows can be used: {dropped[0].rows:,} {dropped[0].sentence}.",
            )

    def _show(self, line: int) -> str:
        text = (
            ""
            if self.intake.format == "parquet"
            else _read_lines(self.intake.path, {line}).get(line, "")
        )
        return f" (line {line}: {text[:80]!r})" if text else f" (row {line})"

    def _kept(self) -> str:
        return (
            "_why = 0 AND rowid NOT IN (SELECT id FROM dropped_ids)"
            if self._has_duplicates
            else "_why = 0"
        )

    def _mark_duplicates(self, mapped: Sequence[Column]) -> list[Counted]:
        """Exact copies of a row keep the first; items, users and actions with the same id keep the
        last, as Personalize does.
        """
        self._has_duplicates = False
        key = columns_module.KEYS.get(self.dataset)
        if key is None and self.file_rules.keep_duplicates:
            return []
        by = name(key) if key else _list(mapped)
        self.connection.execute(
            "CREATE TABLE repeated AS SELECT _hashed FROM t WHERE _why = 0 GROUP BY 1 HAVING count(*) > 1"
        )
        if not self._count("repeated"):
            return []
        order = "DESC" if key else "ASC"
        self.connection.execute(
            "CREATE TABLE dropped_ids AS SELECT id FROM ("
            f"SELECT rowid AS id, row_number() OVER (PARTITION BY {by} ORDER BY rowid {order}) AS n "
            "FROM t WHERE _why = 0 AND _hashed IN (SELECT _hashed FROM repeated)) WHERE n > 1"
        )
        rows, ids = self._row(f"SELECT count(*), min(id, {MAX_SAMPLES}) FROM dropped_ids")
        if not rows:
            return []
        self._has_duplicates = True
        what = (
            f"repeat an {key}; the last one is kept"
            if key
            else "are exact copies of an earlier row"
        )
        return [Counted("duplicate", what, rows, tuple(self._lines(sorted(ids))))]

    def _split_users(self, mapped: Sequence[Column]) -> tuple[int, int]:
        """(users, users with two or more rows); marks the sampled ones."""
        if self.dataset not in ("interactions", "action_interactions"):
            self.connection.execute("CREATE TABLE sampled_users (USER_ID VARCHAR)")
            return (self._count("kept"), 0) if any(c.name == "USER_ID" for c in mapped) else (0, 0)
        self.connection.execute(
            "CREATE TABLE users AS SELECT USER_ID, count(*) AS n FROM kept GROUP BY USER_ID"
        )
        limit = int(self.file_rules.withhold * BUCKETS) if self.dataset == "interactions" else 0
        self.connection.execute(
            f"CREATE TABLE sampled_users AS SELECT USER_ID FROM users WHERE {bucket_sql(self.file_rules.seed)} < {limit}"
        )
        users, two = self._row("SELECT count(*), count(*) FILTER (n > 1) FROM users")
        return int(users), int(two)

    def _write(self, mapped: Sequence[Column]) -> tuple[Path, Path, int]:
        part, sampled = self.folder / "part.csv", self.folder / "sampled.csv"
        users = self._count("sampled_users")
        if self._is_clean_already(mapped):
            return part, sampled, self._copy_lines(mapped, part, sampled)
        rest = "WHERE USER_ID NOT IN (SELECT USER_ID FROM sampled_users)" if users else ""
        write_csv(self.connection, f"SELECT {_list(mapped)} FROM kept {rest}", part)
        if not users:
            return part, sampled, 0
        select = (
            f"SELECT {_list(mapped)} FROM kept WHERE USER_ID IN (SELECT USER_ID FROM sampled_users)"
        )
        return part, sampled, write_csv(self.connection, select, sampled)

    def _is_clean_already(self, mapped: Sequence[Column]) -> bool:
        """Whether the file's own lines are the clean rows: writing the rows anew costs as much as
        parsing them did.
        """
        traits = self.intake.traits
        return (
            self.intake.format == "csv"
            and self._mended is None
            and self._dialect.delimiter == ","
            and not (
                traits.quotes
                or traits.nulls
                or self._has_duplicates
                or self._fixes
                or self._count("t", "_why > 0")
            )
            and len(mapped) == len(self._dialect.header)
        )

    def _copy_lines(self, mapped: Sequence[Column], part: Path, sampled: Path) -> int:
        header = ",".join(column.name for column in mapped).encode() + b"\n"
        source, skip = self.intake.path, self._dialect.header_lines
        if not self._count("sampled_users"):
            passing.copy_lines(source, skip, header, part)
            return 0
        if self.file_rules.withhold >= 1:
            passing.copy_lines(source, skip, header, sampled)
            part.write_bytes(header)
            return self._count("t")
        aside = self.connection.execute(
            "SELECT rowid FROM t WHERE USER_ID IN (SELECT USER_ID FROM sampled_users) ORDER BY rowid"
        )
        return passing.split_lines(source, skip, header, passing.numbers(aside), part, sampled)

    def _report(
        self,
        header: tuple[str, ...],
        rows: int,
        kept: int,
        sampled: int,
        dropped: Sequence[Counted],
        column_reports: tuple[ColumnReport, ...],
        users: tuple[int, int],
    ) -> FileReport:
        names = {column.name: column for column in column_reports}
        time = names.get("TIMESTAMP")
        events = names.get("EVENT_TYPE")
        item = names.get("ITEM_ID")
        return FileReport(
            dataset=self.dataset,
            key=self.key,
            source_bytes=self.intake.source_bytes,
            sha256=self.intake.sha256,
            format=self.intake.format,
            header=header,
            rows=rows,
            kept=kept,
            sampled=sampled,
            fixed=self._fixes,
            dropped=tuple(dropped),
            notes=(*self.intake.notes, *self._lost(rows)),
            columns=column_reports,
            first_timestamp=None if time is None or time.minimum is None else int(time.minimum),
            last_timestamp=None if time is None or time.maximum is None else int(time.maximum),
            event_types=dict(events.top) if events else {},
            users=users[0],
            users_with_two=users[1],
            items=item.distinct if item else 0,
        )

    def _lost(self, rows: int) -> tuple[str, ...]:
        """JSON lines have no header or line breaks to confuse them, so a missing row is a blank
        line or one too long to parse.
        """
        one_list = self.intake.head.lstrip()[:1] == b"["
        missing = (
            self.intake.traits.lines - rows if self.intake.format == "json" and not one_list else 0
        )
        return (
            (f"{missing:,} lines are blank or longer than {MAX_OBJECT:,} bytes",)
            if missing > 0
            else ()
        )

    def _fixed(self, row_rules: rules.RowRules) -> tuple[Counted, ...]:
        mended = tuple(self._mended.fixes()) if self._mended else ()
        tests = [rules.fix_test(index) for index in range(len(row_rules.fixes))]
        if not tests or not self._count("t", f"({' OR '.join(tests)}) AND _why = 0"):
            return mended
        counts = ", ".join(
            f"count(*) FILTER ({test}), min(rowid, {MAX_SAMPLES}) FILTER ({test})" for test in tests
        )
        found = self._row(f"SELECT {counts} FROM t WHERE _why = 0")
        return mended + tuple(
            Counted(
                fix.code, fix.sentence, found[2 * i], tuple(self._lines(sorted(found[2 * i + 1])))
            )
            for i, fix in enumerate(row_rules.fixes)
            if found[2 * i]
        )


def _read_lines(path: Path, numbers: set[int]) -> dict[int, str]:
    """The text of some lines, cut to 1,000 characters."""
    found: dict[int, str] = {}
    if not numbers:
        return found
    last = max(numbers)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number in numbers:
                found[number] = line[:1000].decode("utf-8", errors="replace").rstrip("\n")
            if number >= last:
                break
    return found


def write_csv(connection: DuckDBPyConnection, select: str, path: Path) -> int:
    r"""Write rows as Personalize reads them: bare header, `"` and `\` escaped by `\` inside quotes,
    nothing for null. Returns the rows.
    """
    done = connection.execute(
        f"COPY ({select}) TO {literal(str(path))} (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\\', NULLSTR '')"
    ).fetchone()
    return int(done[0]) if done else 0


def bucket_sql(seed: str) -> str:
    """0 to 999,999 by MD5 of seed and user: the same on every machine and in every version."""
    return f"md5_number_lower({literal(seed + ':')} || USER_ID) % {BUCKETS}"


def _list(mapped: Sequence[Column]) -> str:
    return ", ".join(name(column.name) for column in mapped)


def _json_cell(field: str) -> str:
    return f"json_extract_string(j, {literal('$.' + '.'.join(json.dumps(step) for step in field.split('.')))})"


def _as_text(column: str, kind: str) -> str:
    cell = name(column)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CAST(CAST(floor(epoch(CAST({cell} AS TIMESTAMPTZ))) AS BIGINT) AS VARCHAR)"
    if kind.endswith("[]"):
        return f"array_to_string({cell}, '|')"
    return f"CAST({cell} AS VARCHAR)"


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:300]
