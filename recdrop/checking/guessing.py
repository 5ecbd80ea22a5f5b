"""What a file is and what its columns mean, guessed from their names and from their values.

A guess is printed for a person to read, with what it rests on. The pipeline never makes one: a wrong
one would train a wrong model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.vocabulary.datasets import DATASETS
from recdrop.checking.looking import Look
from recdrop.checking.synonyms import bare, hint, rank

_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([T ].*)?"
    r"|(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
    r"|([A-Z][a-z]{2},? )?\d{1,2}[- ][A-Z][a-z]{2}[a-z]*[- ]\d{2,4}.*"
)
_NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?")
_FRACTION = re.compile(r"-?\d+\.\d*[1-9]\d*")
_FIRST, _LAST = 1e8, 4.1e9  # epoch seconds: 1973 to 2099
_UNITS = (1, 1e3, 1e6, 1e9)
MOSTLY = 0.9
MAX_EVENT_TYPES = 50
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "interactions": ("EVENT_TYPE", "EVENT_VALUE"),
    "items": ("CREATION_TIMESTAMP",),
}


@dataclass(frozen=True)
class Guess:
    """What one file seems to be.

    `columns` are the targets that its own names do not say, each with the column that is meant;
    `why` has a sentence for each. `header` names the columns of a file that has no header line.
    """

    dataset: str
    columns: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Column:
    """A column and the values of the first rows, nulls left out."""

    name: str
    values: Sequence[str]
    rows: int

    @property
    def distinct(self) -> int:
        return len(set(self.values))

    def share(self, of: re.Pattern[str]) -> float:
        """The share of values that are such all over."""
        return sum(bool(of.fullmatch(v.strip())) for v in self.values) / max(len(self.values), 1)

    @property
    def is_time(self) -> bool:
        good = sum(_is_time(value.strip()) for value in self.values)
        return bool(self.values) and good >= MOSTLY * len(self.values)

    @property
    def is_date(self) -> bool:
        return bool(self.values) and self.share(_DATE) >= MOSTLY

    @property
    def can_be_id(self) -> bool:
        """Neither a written date nor a measure, nor running text, nor hardly ever filled."""
        if len(self.values) < 0.2 * self.rows or not self.values:
            return False
        texts = sum(len(value) > 128 for value in self.values)
        is_measure = self.share(_FRACTION) > 0.1
        return not (is_measure or texts > 0.1 * len(self.values) or self.is_date)


def _is_time(value: str) -> bool:
    if _DATE.fullmatch(value):
        return True
    if not _NUMBER.fullmatch(value):
        return False
    return any(_FIRST <= float(value) / unit <= _LAST for unit in _UNITS)


def guess(
    look: Look, name: str, dataset: str | None = None, known: Mapping[str, str] | None = None
) -> Guess | None:
    """What the file `name` is; None when nothing about it says so.

    `dataset` is what its folder says it is. `known` maps targets to the names that the tool which
    wrote it, or the config, has for them.
    """
    columns = [
        _Column(header, look.column(index), len(look.rows))
        for index, header in enumerate(look.header)
    ]
    if _has_no_header(look):
        return _guess_without_header(look, dataset)
    finder = _Finder(columns, known or {})
    kind = dataset or _dataset(finder, name)
    if kind is None:
        return None
    found = finder.targets(kind)
    asked = {
        target: column for target, column in found.items() if bare(column.name) != bare(target)
    }
    return Guess(
        kind,
        {target: column.name for target, column in asked.items()},
        why={target: _why(target, column) for target, column in asked.items()},
    )


def _why(target: str, column: _Column) -> str:
    example = next(iter(column.values), "")[:40]
    if target in ("USER_ID", "ITEM_ID", "ACTION_ID"):
        rows = f"{column.distinct:,} different values in the first {column.rows:,} rows"
        return f"{column.name}: {rows}, such as {example!r}"
    return f"{column.name}: values such as {example!r}"


# -- which dataset ---------------------------------------------------------------------------------


def _dataset(finder: _Finder, name: str) -> str | None:
    """By the ids that it has; the file's name decides where those leave it open."""
    spoken = next((h for part in reversed(name.split("/")) if (h := hint(part))), None)
    found = finder.targets("interactions")
    user, item = found.get("USER_ID"), found.get("ITEM_ID")
    if user and item:
        is_catalogue = spoken == "items" and item.rows > 20 and item.distinct == item.rows
        return "items" if is_catalogue else "interactions"
    if item and spoken != "users":
        return "interactions" if _is_log(item, spoken, found) else "items"
    if user and spoken != "items":
        return "interactions" if _is_log(user, spoken, found) else "users"
    if spoken in ("items", "users") and finder.targets(spoken):
        return spoken
    return None


def _is_log(key: _Column, spoken: str | None, found: Mapping[str, _Column]) -> bool:
    """Whether rows with times are events that lack a user or an item: then that is what to say.

    A table of users or items has each of them about once.
    """
    repeats = key.rows > 20 and key.distinct < 0.8 * key.rows
    return "TIMESTAMP" in found and (repeats or spoken == "interactions")


@dataclass(frozen=True)
class _Finder:
    """Finds the columns of a file that are meant by Personalize's names."""

    columns: Sequence[_Column]
    known: Mapping[str, str]

    def targets(self, dataset: str) -> dict[str, _Column]:
        """Each target that the dataset needs or likes, where a column fits, and that column."""
        found: dict[str, _Column] = {}
        for target in (*DATASETS[dataset].required, *OPTIONAL.get(dataset, ())):
            column = self._find(target, dataset, [c.name for c in found.values()])
            if column is not None:
                found[target] = column
        return found

    def _find(self, target: str, dataset: str, used: Sequence[str]) -> _Column | None:
        named = self.known.get(target, "").lower()
        ranked = []
        for place, column in enumerate(self.columns):
            fit = 0 if column.name.lower() == named else rank(target, column.name, dataset)
            # What is called like the target is meant, whatever it holds.
            is_same = bare(column.name) == bare(target)
            is_meant = is_same or (fit is not None and _holds(target, column))
            if fit is not None and is_meant and column.name not in used:
                ranked.append((fit, place))
        if ranked:
            return self.columns[min(ranked)[1]]
        return self._dates(used) if target == "TIMESTAMP" else None

    def _dates(self, used: Sequence[str]) -> _Column | None:
        """A time by its values alone: written dates only, since a number of that size may be an id."""
        dates = [c for c in self.columns if c.name not in used and c.is_date]
        return dates[0] if len(dates) == 1 else None


def _holds(target: str, column: _Column) -> bool:
    """Whether the values can be what the target wants."""
    if target in ("TIMESTAMP", "CREATION_TIMESTAMP"):
        return column.is_time
    if target == "EVENT_TYPE":
        return 0 < column.distinct <= MAX_EVENT_TYPES and column.share(_NUMBER) < 0.5
    if target == "EVENT_VALUE":
        return column.share(_NUMBER) >= MOSTLY
    return column.can_be_id


# -- files without a header line -------------------------------------------------------------------


def _has_no_header(look: Look) -> bool:
    """Whether the first line is a row: a time stands in it, or nothing but numbers."""
    if look.format != "csv" or len(look.header) < 2:
        return False
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in look.header)
    return any(_is_time(cell) for cell in look.header) or numbers == len(look.header)


def _guess_without_header(look: Look, dataset: str | None) -> Guess | None:
    """Names by what the columns hold: the first two ids are user and item, in that order."""
    if dataset not in (None, "interactions"):
        return None
    columns = [
        _Column(f"COLUMN_{i + 1}", [cell, *look.column(i)], len(look.rows) + 1)
        for i, cell in enumerate(look.header)
    ]
    names: dict[int, str] = {}
    times = [i for i, column in enumerate(columns) if column.is_time]
    if not times:
        return None
    # A written date is a time for certain; of numbers, the last one is more often than the first.
    names[next((i for i in times if columns[i].is_date), times[-1])] = "TIMESTAMP"
    events = [
        i
        for i, column in enumerate(columns)
        if i not in names
        and column.distinct <= 12
        and len(column.values) > 50
        and column.share(_NUMBER) == 0
    ]
    if events:
        names[min(events, key=lambda i: columns[i].distinct)] = "EVENT_TYPE"
    ids = [i for i, column in enumerate(columns) if i not in names and column.can_be_id]
    if len(ids) < 2:
        return None
    names |= {ids[0]: "USER_ID", ids[1]: "ITEM_ID"}
    header = tuple(names.get(i, column.name) for i, column in enumerate(columns))
    why = (
        "the file has no header line: user and item are told by their places, so look at them twice"
    )
    return Guess("interactions", header=header, why={"header": why})
