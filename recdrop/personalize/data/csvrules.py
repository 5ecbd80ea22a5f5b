"""The CSV files of one import job: checked by Personalize's rules, kept as Parquet.

DuckDB streams the files twice, once to count what breaks a rule and once to write, so memory stays
bounded whatever the size. A job is all or nothing: the first broken rule raises CsvError with the
service's text.

Where the service's documents are silent this module takes the strict side, so that what passes here
passes there:

* Inside quotes, `"` and `\\` are escaped by `\\`. A doubled quote (RFC 4180, Snowflake's default)
  is refused.
* A BOM counts as part of the first header.
* A timestamp of 10^11 or more is taken for milliseconds and refused.

What the service was seen to accept is accepted with a warning. With `strict` it is refused, for
whoever wants a file that no reading of the documents can object to. Evidence: outputs of AWS's own
notebooks, "successfully completed" for such files.

* Columns that are not in the schema are ignored, pandas' unnamed index column too.
* A header matches the schema whatever its case.
* Values of numeric or nullable metadata that are missing, or not of the type, become null.

One thing is let through that DuckDB does not see: a single empty value too many at the end of a
line.

Not here: fetching the files, and the minimums of training (25 users, 1,000 events of a type).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from recdrop.personalize.data.schemas import DatasetSchema, Field

MIN_INTERACTIONS = 1_000
MAX_ID = 256
MAX_STRING = 1_000
MAX_TEXT = 20_000
MAX_TEXT_EAST_ASIAN = 7_000
EAST_ASIAN = r"[\x{3040}-\x{30FF}\x{3400}-\x{9FFF}]"
MAX_SECONDS = 10**11
IDS = ("USER_ID", "ITEM_ID", "ACTION_ID")

SQL_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
}

_WHOLE = "[+-]?[0-9]+"
_DECIMAL = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
NUMERALS = {"int": _WHOLE, "long": _WHOLE, "float": _DECIMAL, "double": _DECIMAL}


class CsvError(ValueError):
    """The import job fails with this message as its failureReason."""


@dataclass(frozen=True)
class Accepted:
    """`warnings` are sentences on what a strict reading would have refused."""

    path: Path
    rows: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Rule:
    """`broken` is SQL that is true for a row breaking the rule. A doubtful one only warns."""

    broken: str
    message: str
    is_doubtful: bool = False


@dataclass(frozen=True)
class _Header:
    """`columns` are the names by which SQL knows the file's columns: the schema's, where they match."""

    columns: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def check_csv(
    paths: Path | Sequence[Path],
    schema: DatasetSchema,
    destination: Path,
    *,
    min_interactions: int = MIN_INTERACTIONS,
    memory_limit: str = "512MB",
    threads: int = 2,
    strict: bool = False,
) -> Accepted:
    """Checks the files together and writes their rows to the Parquet file `destination`.

    Columns are in schema order, rows in the order of the files. DuckDB gets `memory_limit` and
    `threads`. `strict` refuses what would only be warned of.

    Raises:
        CsvError: a rule is broken; `destination` is left as it was.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    if not files:
        raise CsvError("Invalid Data location. It holds no files.")
    header = _check_headers(files, schema)
    _refuse_if(strict, header.warnings)
    # Written beside the destination and renamed: half a file is never taken for a whole one.
    unfinished = destination.with_name(destination.name + ".unfinished")
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": str(destination.parent),
    }
    with duckdb.connect(config=settings) as connection, _csv_errors(header.columns):
        rows, doubts = _check_rows(connection, files, header.columns, schema)
        _refuse_if(strict, doubts)
        _check_count(rows, schema, min_interactions)
        selected = ", ".join(f"{_value(spec)} AS {_quote(spec.name)}" for spec in schema.fields)
        query = f"SELECT {selected} FROM {_source(files, header.columns)}"
        connection.execute(f"COPY ({query}) TO {_literal(str(unfinished))} (FORMAT parquet)")
    unfinished.replace(destination)
    return Accepted(destination, rows, (*header.warnings, *doubts))


def _refuse_if(strict: bool, warnings: Sequence[str]) -> None:
    if strict and warnings:
        raise CsvError(warnings[0])


# -- headers


def _check_headers(files: Sequence[Path], schema: DatasetSchema) -> _Header:
    header = _read_header(files[0])
    for other in files[1:]:
        if _read_header(other) != header:
            raise CsvError(
                f"Input CSV files have different headers: {files[0].name} has {','.join(header)!r}, "
                f"{other.name} has {','.join(_read_header(other))!r}. Expected the same header in every file."
            )
    columns, warnings = _match(header, schema.names)
    missing = [name for name in schema.names if name not in columns]
    if missing:
        raise CsvError(
            f"Input CSV is missing the following columns:[{', '.join(missing)}].{_header_hint(header)}"
        )
    if len(set(columns)) < len(columns):
        raise CsvError(
            f"Input CSV repeats a column in its header {','.join(header)!r}. Expected each column once."
        )
    return _Header(columns, warnings)


def _match(header: Sequence[str], names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The schema's name of each column, else one that no schema has; and what was odd about it."""
    by_case = {name.lower(): name for name in names}
    columns, extra, cased = [], [], []
    for place, name in enumerate(header):
        known = name if name in names else by_case.get(name.lower())
        columns.append(known or f"-{place}")
        if known is None:
            extra.append(name)
        elif known != name:
            cased.append(name)
    warnings = []
    if extra:
        warnings.append(f"Input CSV has columns that are not in the schema:[{', '.join(extra)}].")
    if cased:
        warnings.append(
            f"Input CSV has columns in another case than the schema:[{', '.join(cased)}]."
        )
    return tuple(columns), tuple(warnings)


def _read_header(path: Path) -> list[str]:
    with path.open("rb") as file:
        line = file.readline(1_000_000)
    return line.rstrip(b"\r\n").decode("utf-8", "replace").split(",")


def _header_hint(header: Sequence[str]) -> str:
    if header[0].startswith("\ufeff"):
        return " The file begins with a byte order mark, which counts as part of the first column's name."
    if any('"' in name for name in header):
        return " Column headers must not be quoted."
    return ""


# -- rows


def _source(files: Sequence[Path], header: Sequence[str]) -> str:
    """SQL that reads the files as text. Nothing is left to DuckDB's guesses."""
    columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in header)
    names = ", ".join(_literal(str(path)) for path in files)
    options = (
        "header = true",
        "auto_detect = false",
        "delim = ','",
        "quote = '\"'",
        "escape = '\\'",
        "nullstr = ''",
        "strict_mode = true",
        "compression = 'none'",
        "encoding = 'utf-8'",
    )
    return f"read_csv([{names}], columns = {{{columns}}}, {', '.join(options)})"


def _check_rows(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    header: Sequence[str],
    schema: DatasetSchema,
) -> tuple[int, tuple[str, ...]]:
    """Counts the rows, and in the same scan those that break each rule; answers the doubts too."""
    lenient = {spec.name for spec in schema.metadata if spec.is_number or spec.nullable}
    rules = [rule for spec in schema.fields for rule in _rules(spec, spec.name in lenient)]
    counts = ", ".join(f"count(*) FILTER (WHERE {rule.broken})" for rule in rules)
    row = connection.execute(f"SELECT count(*), {counts} FROM {_source(files, header)}").fetchone()
    total, *broken = row or (0,)
    doubts = []
    for rule, count in zip(rules, broken, strict=True):
        if not count:
            continue
        first = _first(connection, files, header, rule)
        text = f"{rule.message} {count:,} of {total:,} records, first in {first}."
        if not rule.is_doubtful:
            raise CsvError(text)
        doubts.append(text)
    return int(total), tuple(doubts)


def _first(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], header: Sequence[str], rule: _Rule
) -> str:
    """Where the first row is that breaks the rule: a second scan, made only for the message."""
    for file in files:
        # The header is line 1. Lines are records here: a record with a line break is refused anyway.
        numbered = f"SELECT *, row_number() OVER () + 1 AS line FROM {_source([file], header)}"
        found = connection.execute(
            f"SELECT line FROM ({numbered}) WHERE {rule.broken} LIMIT 1"
        ).fetchone()
        if found:
            return f"{file.name} line {found[0]}"
    return "an unknown line"


def _rules(spec: Field, is_lenient: bool) -> Iterator[_Rule]:
    column = _quote(spec.name)
    if not spec.nullable:
        yield _Rule(
            f"{column} IS NULL",
            f"Column {spec.name} has no value, and its schema type is not nullable:",
            is_doubtful=is_lenient,
        )
    if spec.type == "string":
        yield from _text_rules(spec, column)
    else:
        fits = f"{_value(spec)} IS NOT NULL"
        if spec.type in ("float", "double"):  # 1e999 is a numeral, and no number
            fits = f"isfinite({_value(spec)})"
        yield _Rule(
            f"{column} IS NOT NULL AND NOT coalesce({fits}, false)",
            f"Column {spec.name} is not of type {spec.type}:",
            is_doubtful=is_lenient,
        )
    if spec.name.endswith("TIMESTAMP") and spec.type == "long":
        message = f"Column {spec.name} is not a Unix timestamp in seconds:"
        yield _Rule(f"TRY_CAST({column} AS BIGINT) >= {MAX_SECONDS}", message)
    if spec.name == "TIMESTAMP":
        yield _Rule(f"TRY_CAST({column} AS BIGINT) < 0", f"Column {spec.name} is negative:")


def _text_rules(spec: Field, column: str) -> Iterator[_Rule]:
    longest = MAX_TEXT if spec.textual else MAX_STRING
    if spec.name in IDS:
        longest = MAX_ID
    yield _too_long(spec, f"length({column}) > {longest}", longest)
    if spec.textual:
        is_east_asian = f"regexp_matches({column}, '{EAST_ASIAN}')"
        broken = f"length({column}) > {MAX_TEXT_EAST_ASIAN} AND {is_east_asian}"
        yield _too_long(spec, broken, MAX_TEXT_EAST_ASIAN)
    yield _Rule(
        f"contains({column}, chr(10)) OR contains({column}, chr(13))",
        f"Column {spec.name} holds a line break. Each record in your CSV file must be on a single line:",
    )


def _too_long(spec: Field, broken: str, longest: int) -> _Rule:
    return _Rule(
        broken,
        f"Length cannot be more than {longest} characters for {spec.name}. If no values exceed "
        "the character limit, make sure your data follows the formatting guidelines:",
    )


def _value(spec: Field) -> str:
    """SQL for the typed value, null when the text is not of the type."""
    column = _quote(spec.name)
    if spec.type == "string":
        return column
    if spec.type == "boolean":
        return f"CASE {column} WHEN 'true' THEN true WHEN 'false' THEN false END"
    # DuckDB alone would round 1.5 to an integer, read 1_000, and trim spaces.
    fits = f"regexp_full_match({column}, '{NUMERALS[spec.type]}')"
    return f"CASE WHEN {fits} THEN TRY_CAST({column} AS {SQL_TYPES[spec.type]}) END"


def _check_count(rows: int, schema: DatasetSchema, min_interactions: int) -> None:
    if schema.dataset_type == "INTERACTIONS" and rows < min_interactions:
        raise CsvError(
            f"Dataset has fewer than {min_interactions} interactions. The import job has {rows} records."
        )
    if not rows:
        raise CsvError("Input CSV has no records below its header.")


# -- DuckDB's own refusals


@contextmanager
def _csv_errors(header: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise CsvError(_explain(str(error), header)) from None


def _explain(message: str, header: Sequence[str]) -> str:
    """DuckDB's message in the service's words. It has no codes, so its texts are looked at."""
    line = re.search(r"Line: (\d+)", message)
    where = f" at line {line[1]}" if line else ""
    if "unicode" in message.lower() or "utf-8" in message.lower():
        return f"Input CSV is not UTF-8{where}."
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if columns:
        return (
            f"Input CSV has {columns[2]} values{where}. Expected {len(header)}, as in its header."
        )
    if "Maximum line size" in message:
        return f"Input CSV has a line of more than 2,000,000 bytes{where}."
    if "quote" in message.lower():
        return (
            f"Input CSV has a quoted value that does not end or is not escaped{where}. "
            'Write " and \\ inside quotes as \\" and \\\\.'
        )
    return f"Input CSV cannot be read{where}: {message.splitlines()[0]}"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def read_rows(path: Path, columns: Iterable[str] | None = None) -> list[tuple[object, ...]]:
    """The rows of an accepted file, for tests and small tables."""
    selected = ", ".join(map(_quote, columns)) if columns else "*"
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT {selected} FROM read_parquet({_literal(str(path))})"
        ).fetchall()
