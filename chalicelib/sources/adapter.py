"""What there is to know of one tool as a source of exports, and how its files are recognised.

Recognition is for saying so, and for defaults that a person reads before they are used: no row is
read differently because of it. Habits of single files (markers, twins) are in `habits`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.sources.habits import NOTHING

Data = Literal["snapshot", "append"]


@dataclass(frozen=True)
class Seen:
    """What is known of an export before its rows are read.

    `paths` are keys below the group's folder; `headers` the column names of the files whose first
    line was read, by path.
    """

    paths: Sequence[str]
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sign:
    """One thing by which a tool gives itself away: a pattern in a path, or columns that a header has.

    `what` ends the sentence "'<path>' is ...". Columns are compared in any case.
    """

    what: str
    path: re.Pattern[str] = NOTHING
    columns: frozenset[str] = frozenset()

    def first(self, seen: Seen) -> str | None:
        """The first path that shows the sign."""
        for path in seen.paths:
            if self.path.search(path):
                return path
        if not self.columns:
            return None
        return next((path for path, header in seen.headers.items() if self._has(header)), None)

    def _has(self, header: Sequence[str]) -> bool:
        return self.columns <= {column.strip().lower() for column in header}


@dataclass(frozen=True)
class Adapter:
    """One tool.

    name       as `source.kind` says it
    writer     who writes such files, as "Snowflake's COPY INTO"
    signs      any of them is enough
    complete   the default of `source.complete`
    data       "snapshot": each export has everything. "append": each has what is new
    columns    target -> the tool's own name, where it always has the same
    headers    the columns of files that have no header line, by the file's name
    order_key  the column that is the same in all lines of an order, of which only the first is whole
    advice     what a user of this tool should know; "" where there is nothing
    """

    name: str
    writer: str
    signs: tuple[Sign, ...] = ()
    complete: str = "auto"
    data: Data = "snapshot"
    columns: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order_key: str = ""
    advice: str = ""

    def why(self, seen: Seen) -> str | None:
        """The sentence that says by what the tool is recognised; None: it is not."""
        for sign in self.signs:
            if path := sign.first(seen):
                return f"{path!r} is {sign.what}"
        return None


@dataclass(frozen=True)
class Recognised:
    """The tool that wrote an export, and by what it is told."""

    adapter: Adapter
    why: str
