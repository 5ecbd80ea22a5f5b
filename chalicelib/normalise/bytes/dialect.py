"""How a text file is written: delimiter, quoting, header line. Looked up in its first megabyte."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.normalise.bytes.unpacking import Unpacked
from chalicelib.normalise.errors import FileRejected

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 500
MAX_OBJECTS = 2000  # that are looked at for their fields
MAX_DEPTH = 3  # of dots in the name of a field


@dataclass(frozen=True)
class Dialect:
    """`header` as written, without quotes; `header_lines` is 0 when the config gave the header."""

    delimiter: str
    escape: str
    header: tuple[str, ...]
    header_lines: int


def read_dialect(unpacked: Unpacked, header: Sequence[str] = ()) -> Dialect:
    """Delimiter, escape and header of a CSV file.

    `header` names the columns of a file without a header line; a file that has the same one all the
    same is read by it.

    Raises:
        FileRejected: no header can be read, or it has another width than `header`.
    """
    text = unpacked.head.decode("utf-8", errors="ignore")
    leading = len(text) - len(text.lstrip("\n"))  # blank lines above the header
    first = text[leading:].split("\n", 1)[0]
    delimiter = _delimiter(first, header)
    escape = _escape(text)
    cells = tuple(_cells(first, delimiter, escape))
    if header and not _is_header(cells, header):
        if len(cells) != len(header):
            raise FileRejected(
                "header",
                f"The first line has {len(cells)} columns. Expected {len(header)}, "
                f"as the config's header has: {', '.join(header)}.",
            )
        return Dialect(delimiter, escape, tuple(header), leading)
    if not any(cells) or len(cells) > MAX_COLUMNS:
        raise FileRejected(
            "header", f"The first line, {first[:80]!r}, is no header. Expected column names."
        )
    return Dialect(delimiter, escape, cells, leading + 1)


def read_json_fields(unpacked: Unpacked) -> tuple[str, ...]:
    """The dotted names of the fields in the first objects of a JSON file, in order of appearance.

    Raises:
        FileRejected: none of its first lines is an object.
    """
    text = unpacked.head.decode("utf-8", errors="ignore")
    found: dict[str, None] = {}
    for value in _objects(text):
        _collect(value, "", found)
    if not found:
        raise FileRejected(
            "json",
            f"The first line, {text[:80]!r}, is no JSON object. Expected one object per line.",
        )
    return tuple(found)[:MAX_COLUMNS]


def _objects(text: str) -> Iterator[dict[str, object]]:
    """The first whole objects of JSON lines, or of one list."""
    decoder = json.JSONDecoder()
    position = re.match(r"[\s\[]*", text).end()  # type: ignore[union-attr]
    for _ in range(MAX_OBJECTS):
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            # A damaged line is dropped later, by the row rules: here it only tells no fields.
            line_end = text.find("\n", position)
            if line_end < 0:
                return
            position = line_end + 1
            continue
        if isinstance(value, dict):
            yield value
        position = re.compile(r"[\s,]*").match(text, position).end()  # type: ignore[union-attr]


def _collect(value: dict[str, object], prefix: str, found: dict[str, None]) -> None:
    for key, inner in value.items():
        if isinstance(inner, dict) and prefix.count(".") < MAX_DEPTH:
            _collect(inner, f"{prefix}{key}.", found)
        else:
            found[prefix + key] = None


def _delimiter(line: str, header: Sequence[str]) -> str:
    """The delimiter that splits the first line best; names of columns hold none of them."""
    bare = re.sub(r'"[^"]*"', "", line)
    if header:
        for candidate in DELIMITERS:
            if len(_cells(line, candidate, '"')) == len(header):
                return candidate
    return max(DELIMITERS, key=lambda d: (bare.count(d), -DELIMITERS.index(d)))


def _escape(text: str) -> str:
    r"""Spark and Snowplow write `\"` inside quotes, everyone else `""`."""
    backslashed = len(re.findall(r'[^\\]\\"[^,;\t\n]', text))
    doubled = len(re.findall(r'[^,;\t\n"]""[^"]', text))
    return "\\" if backslashed > doubled else '"'


def _cells(line: str, delimiter: str, escape: str) -> list[str]:
    reader = csv.reader(
        io.StringIO(line),
        delimiter=delimiter,
        doublequote=escape == '"',
        escapechar=None if escape == '"' else escape,
    )
    try:
        return [cell.strip().strip('"').strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise FileRejected(
            "header", f"The first line, {line[:80]!r}, is no header ({error})."
        ) from error


def _is_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    return [c.lower() for c in cells] == [h.lower() for h in header]
