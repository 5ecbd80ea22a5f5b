"""What there is to know of a tool's files, by their names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Matches no name: for a habit that a tool does not have.
NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Habits:
    """The habits of one tool. Patterns are searched in a file's name, without its folders.

    markers   names of empty files that are written last: their folder is finished
    commit    a file that lists what its transaction added to the folder; its group is the transaction
    started   a file that a transaction writes first; its group is the transaction
    manifest  a file that lists all of an export
    noise     (pattern, what it is) of files that hold no rows
    unload    its first group names the unload that wrote the file; searched in the path below the
              dataset's folder
    twins     (ending that is kept, ending that is left out) where each table is written twice
    """

    name: str
    markers: frozenset[str] = frozenset()
    commit: re.Pattern[str] = NOTHING
    started: re.Pattern[str] = NOTHING
    manifest: re.Pattern[str] = NOTHING
    noise: tuple[tuple[re.Pattern[str], str], ...] = ()
    unload: re.Pattern[str] = NOTHING
    twins: tuple[tuple[str, str], ...] = ()
