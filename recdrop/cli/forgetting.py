"""What is left of our own files when users are forgotten: pure functions over the bytes of an object.

Rows are found by their column or member for the user, so that an item with the same id stays. In
texts that were refused, whose columns are unknown, and in samples of findings, the id itself is looked
for: a line too many does no harm there.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

USER_COLUMN = "USER_ID"
USER_MEMBERS = {"userId", "user_id", USER_COLUMN}
LINES = (".jsonl", ".out")
FORGOTTEN = "(forgotten)"
# How many lines the inputs and outputs of batch inference are; the key alone says so.
QUERIES = re.compile(r"/queries\.json$|/batch/[^/]+\.json$")
# Where a segment lists its users: in the service's answers, and in ours.
SEGMENTS = ("recommendedUsers", "usersList", "users")


@dataclass(frozen=True)
class Left:
    """An object without the users, and how many rows, lines or entries left it."""

    body: bytes
    gone: int


def without(key: str, body: bytes, users: Collection[str]) -> Left | None:
    """What is left of an object of the work bucket; None when it holds none of the users.

    Raises:
        ValueError: it cannot be read as what its name says.
    """
    if key.endswith(".csv"):
        left = _without_rows(body, users)
    elif key.endswith(LINES) or QUERIES.search(key):
        left = _without_lines(body, users)
    elif key.endswith(".json"):
        left = _without_entries(body, users)
    else:
        return None
    return left if left.gone else None


def mentions(body: bytes, users: Collection[str]) -> bool | None:
    """Whether an object of the drop bucket names a user; None when that cannot be told.

    Gzip is opened; Parquet and the like are not.
    """
    try:
        text = (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return None
    return token(users).search(text) is not None


def token(users: Collection[str]) -> re.Pattern[str]:
    """Any of the ids, not as a part of a longer one."""
    ids = "|".join(re.escape(user) for user in sorted(users, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{ids})(?![\w-])")


def _without_rows(body: bytes, users: Collection[str]) -> Left:
    rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
    if not rows or USER_COLUMN not in rows[0]:
        return Left(body, 0)
    place = rows[0].index(USER_COLUMN)
    kept = [row for number, row in enumerate(rows) if number == 0 or row[place] not in users]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(kept)
    return Left(out.getvalue().encode(), len(rows) - len(kept))


def _without_lines(body: bytes, users: Collection[str]) -> Left:
    lines = body.decode().splitlines(keepends=True)
    kept, gone = [], 0
    for line in lines:
        value = json.loads(line) if line.strip() else None
        if _is_of(value, users):
            gone += 1
            continue
        # Of a segment only the user goes; any other line stays as it was, to the byte.
        listed = _scrub(value, users)
        gone += listed
        kept.append(json.dumps(value) + "\n" if listed else line)
    return Left("".join(kept).encode(), gone)


def _is_of(value: Any, users: Collection[str]) -> bool:
    """Whether a line is about one of the users, or is a refused row that names one."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("text"), str) and token(users).search(value["text"]):
        return True
    return any(
        (name in USER_MEMBERS and str(inner) in users) or _is_of(inner, users)
        for name, inner in value.items()
    )


def _without_entries(body: bytes, users: Collection[str]) -> Left:
    document = json.loads(body)
    if isinstance(document, list):
        kept = [entry for entry in document if entry not in users]
        return Left(json.dumps(kept).encode(), len(document) - len(kept))
    gone = _scrub(document, users)
    return Left(json.dumps(document).encode(), gone)


def _scrub(value: Any, users: Collection[str]) -> int:
    """Take the users out of a document in place: out of `last_items`, of segments, and of every
    finding's samples.
    """
    if isinstance(value, list):
        return sum(_scrub(inner, users) for inner in value)
    if not isinstance(value, dict):
        return 0
    gone = 0
    for name, inner in value.items():
        if name in ("last_items", "lastItems") and isinstance(inner, dict):
            named = [user for user in inner if user in users]
            for user in named:
                del inner[user]
            gone += len(named)
        elif name in SEGMENTS and isinstance(inner, list):
            value[name] = [user for user in inner if user not in users]
            gone += len(inner) - len(value[name])
        elif name == "samples" and isinstance(inner, list):
            shown = [token(users).sub(FORGOTTEN, str(sample)) for sample in inner]
            gone += sum(before != after for before, after in zip(inner, shown, strict=True))
            value[name] = shown
        else:
            gone += _scrub(inner, users)
    return gone
