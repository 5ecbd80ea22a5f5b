"""A line a user, then the items in order: to a CSV file with times that keep the order."""

from __future__ import annotations

from pathlib import Path

HEADER = b"USER_ID,ITEM_ID,TIMESTAMP\n"
# Epoch seconds of the last item of each user, long ago, so that nobody takes it for a real time.
LAST = 1_000_000_000
STEP = 60  # seconds
NOTE = f"times were made up in the order of the items, {STEP} s apart: the lines have none"


def write_rows(source: Path, target: Path) -> int:
    """Write an interaction for each item of each line; returns how many.

    Words stand between blanks or tabs. One with a comma makes a row that is too wide, and is left
    out as such.
    """
    count = 0
    with source.open("rb") as lines, target.open("wb") as out:
        out.write(HEADER)
        for line in lines:
            user, *items = line.split() or [b""]
            first = LAST - STEP * (len(items) - 1)
            for place, item in enumerate(items):
                out.write(b"%b,%b,%d\n" % (user, item, first + STEP * place))
            count += len(items)
    return count
