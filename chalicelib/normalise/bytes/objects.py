"""JSON that is no object a line (one list, or objects over several lines) and YAML: to JSON lines.

One object after the other is taken out of the text, so that memory stays bounded whatever the size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalicelib.normalise.errors import FileRejected

CHUNK = 1 << 20
MAX_OBJECT = 4_000_000  # characters of a JSON object
MAX_YAML = 64 << 20  # YAML is read whole, and slowly
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")
# A list of mappings; a CSV file has no such first line.
_YAML = re.compile(rb"\s*(---|%YAML|- +[\w\"'-]+:(\s|$))")


def is_yaml(head: bytes) -> bool:
    return bool(_YAML.match(head))


def is_object_a_line(head: bytes) -> bool:
    """Whether the first line is whole, or at least no other JSON; a damaged one costs that line."""
    first, _, rest = head.lstrip().partition(b"\n")
    if first.startswith(b"["):
        return False
    try:
        json.loads(first)
    except ValueError:
        # The object may go on in the next line: of an object a line, that begins a new one.
        return rest.lstrip(b" \t\n")[:1] in (b"{", b"")
    return True


def split_json(source: Path, target: Path) -> int:
    """Write the objects of a list, or of several lines each, one a line; returns how many.

    Lists within the list are taken apart, too.

    Raises:
        FileRejected: the text is damaged.
    """
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for text, value in _values(source):
            for line in _flat(text, value):
                out.write(line + "\n")
                count += 1
    return count


def _flat(text: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _flat(json.dumps(inner, ensure_ascii=False), inner)
    else:
        # Line breaks between its parts; within texts JSON has none.
        yield text.replace("\n", " ")


def _values(source: Path) -> Iterator[tuple[str, Any]]:
    """Each object as it is written, and as it is meant."""
    done = position = 0
    with source.open(encoding="utf-8") as file:
        text = file.read(CHUNK)
        is_list = text.lstrip().startswith("[")
        if is_list:
            position = text.index("[") + 1
        while True:
            position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
            if is_list and text.startswith("]", position):
                return
            if (taken := _take(text, position)) is not None:
                value, end = taken
                yield text[position:end], value
                position, done = end, done + 1
                continue
            # What cannot be read may go on in the next chunk.
            more = file.read(CHUNK) if len(text) - position <= MAX_OBJECT else ""
            if not more and position == len(text) and not is_list:
                return
            if not more:
                raise _damaged(done, text[position : position + 80])
            text, position = text[position:] + more, 0


def _take(text: str, position: int) -> tuple[Any, int] | None:
    """The value that begins there and its end; None when it is not whole."""
    try:
        value, end = _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        return None
    is_cut = end == len(text) and not isinstance(value, dict | list)
    return None if is_cut else (value, end)


def _damaged(done: int, text: str) -> FileRejected:
    return FileRejected(
        "unreadable",
        f"The file cannot be read as json: behind object {done:,} stands {text!r}. "
        "Expected a whole list of objects, or one object per line.",
    )


def split_yaml(source: Path, target: Path) -> int:
    """Write the mappings of a YAML list as JSON lines; returns how many. All values are texts.

    Raises:
        FileRejected: it is larger than MAX_YAML, damaged, or no list of mappings.
    """
    import yaml

    size = source.stat().st_size
    if size > MAX_YAML:
        raise FileRejected(
            "format",
            f"The file is YAML of {size:,} bytes. Expected at most {MAX_YAML:,}: "
            "write JSON lines or CSV, which can be of any size.",
        )
    # The base loader leaves each value the text it is: 007 and 1_0 are no numbers, no is no truth.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        with source.open(encoding="utf-8") as file:
            documents = list(yaml.load_all(file, loader))  # nosec B506
    except (yaml.YAMLError, RecursionError) as error:
        told = " ".join(str(error).split())[:300]
        raise FileRejected("unreadable", f"The file cannot be read as YAML: {told}") from error
    rows = [row for document in documents for row in _rows(document)]
    if not rows:
        raise FileRejected("format", "The file is YAML. Expected a list of mappings in it.")
    with target.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


def _rows(document: Any) -> list[dict[str, Any]]:
    """The mappings of a document: of its list, or the one that it is."""
    found = document if isinstance(document, list) else [document]
    return [row for row in found if isinstance(row, dict)]
