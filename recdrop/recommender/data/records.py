"""The one shape of training data, of a question and of an answer.

Plain frozen records around numpy arrays; no file is read here. `TrainingData` checks itself when
made, and every message names the value and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["categorical", "number", "text"]
Array = NDArray[Any]
MULTI_VALUE_SEPARATOR = "|"


@dataclass(frozen=True)
class Column:
    """One column of metadata or context, aligned with the rows of its table.

    `values` is float64 for a number, NaN where it is missing; else an object array of `str | None`.
    A categorical value may be several, joined with "|".
    """

    kind: Kind
    values: Array

    def __post_init__(self) -> None:
        if self.kind not in ("categorical", "number", "text"):
            raise ValueError(
                f"Column kind has value {self.kind!r}. Expected one of: categorical, number, text"
            )

    def take(self, rows: Array) -> Column:
        return Column(self.kind, self.values[rows])


@dataclass(frozen=True)
class Event:
    """Something a user did with an item, at a time in seconds."""

    item_id: str
    timestamp: int
    event_type: str | None = None
    event_value: float | None = None


@dataclass(frozen=True)
class Query:
    """One question.

    `events` are newer than the training history of `user_id` and come after it, oldest first; those
    of the same timestamp have no order. `context` and `user` hold values by column name.
    """

    user_id: str | None = None
    events: Sequence[Event] = ()
    item_id: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    user: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """`score` is None for fillers. `reason` is "Exploration", "Popular item" or None."""

    item_id: str
    score: float | None
    reason: str | None = None


@dataclass(frozen=True)
class TrainingData:
    """Interactions in columns, with the users and items they point at.

    `user_ids` and `item_ids` are unique and sorted, and may hold ids without interactions. `user`
    and `item` are codes into them. `timestamp` is in seconds; rows come in any order, ties keep
    their order. `impressions` holds, per event, the ids shown with it joined with "|". For
    next-best-action the items are actions and the event types are "Taken", "Not Taken" and
    "Viewed".

    Raises:
        ValueError: Ids are not sorted, codes point nowhere, lengths differ, or a number is
            infinite.
    """

    user_ids: Array
    item_ids: Array
    user: Array
    item: Array
    timestamp: Array
    event_type: Column | None = None
    event_value: Array | None = None
    context: Mapping[str, Column] = field(default_factory=dict)
    items: Mapping[str, Column] = field(default_factory=dict)
    users: Mapping[str, Column] = field(default_factory=dict)
    impressions: Array | None = None

    def __post_init__(self) -> None:
        _check_ids("user_ids", self.user_ids)
        _check_ids("item_ids", self.item_ids)
        _check_codes("user", self.user, len(self.user_ids))
        _check_codes("item", self.item, len(self.item_ids))
        _check_lengths(self)
        if self.event_value is not None:
            _check_finite("event_value", self.event_value)
        for table in (self.context, self.items, self.users):
            for name, column in table.items():
                if column.kind == "number":
                    _check_finite(name, column.values)

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Array) -> TrainingData:
        """The same users and items with only the interactions of `rows` (bool mask or positions)."""
        return TrainingData(
            self.user_ids,
            self.item_ids,
            self.user[rows],
            self.item[rows],
            self.timestamp[rows],
            None if self.event_type is None else self.event_type.take(rows),
            None if self.event_value is None else self.event_value[rows],
            {name: column.take(rows) for name, column in self.context.items()},
            self.items,
            self.users,
            None if self.impressions is None else self.impressions[rows],
        )

    @classmethod
    def from_rows(
        cls,
        users: Sequence[str],
        items: Sequence[str],
        timestamps: Sequence[int],
        *,
        event_types: Sequence[str | None] | None = None,
        event_values: Sequence[float | None] | None = None,
        context: Mapping[str, Column] | None = None,
        item_columns: Mapping[str, tuple[Kind, Mapping[str, Any]]] | None = None,
        user_columns: Mapping[str, tuple[Kind, Mapping[str, Any]]] | None = None,
        impressions: Sequence[str | None] | None = None,
    ) -> TrainingData:
        """From parallel rows.

        Metadata comes as {column: (kind, {id: value})}; its ids join those of the rows.

        Raises:
            ValueError: The rows have different lengths, or what `TrainingData` refuses.
        """
        if not len(users) == len(items) == len(timestamps):
            raise ValueError(
                f"Rows have lengths {len(users)}, {len(items)}, {len(timestamps)}. "
                "Expected equal lengths of users, items, timestamps"
            )
        # Metadata may name users and items that have no interactions yet.
        user_ids = _unique_ids(users, user_columns or {})
        item_ids = _unique_ids(items, item_columns or {})
        return cls(
            user_ids,
            item_ids,
            encode(user_ids, users),
            encode(item_ids, items),
            np.asarray(timestamps, dtype=np.int64).reshape(-1),
            None if event_types is None else Column("categorical", _objects(event_types)),
            None if event_values is None else _numbers(event_values).astype(np.float32),
            dict(context or {}),
            _columns(item_columns or {}, item_ids),
            _columns(user_columns or {}, user_ids),
            None if impressions is None else _objects(impressions),
        )


def encode(ids: Array, values: Sequence[str]) -> Array:
    """Codes (int32) of `values` in the sorted `ids`. Every value must be there."""
    positions = {identifier: code for code, identifier in enumerate(ids.tolist())}
    return np.fromiter(
        (positions[str(value)] for value in values), dtype=np.int32, count=len(values)
    )


def _unique_ids(
    rows: Iterable[str], columns: Mapping[str, tuple[Kind, Mapping[str, Any]]]
) -> Array:
    found = {str(value) for value in rows}.union(*(values for _, values in columns.values()))
    return np.array(sorted(found), dtype=object)


def _columns(
    columns: Mapping[str, tuple[Kind, Mapping[str, Any]]], ids: Array
) -> dict[str, Column]:
    """Each column aligned with the ids; what has no value is missing."""
    found = {}
    for name, (kind, values) in columns.items():
        aligned = [values.get(identifier) for identifier in ids]
        found[name] = Column(kind, _numbers(aligned) if kind == "number" else _objects(aligned))
    return found


def _numbers(values: Iterable[Any]) -> Array:
    """float64, NaN for None."""
    numbers = [float("nan") if value is None else float(value) for value in values]
    return np.array(numbers, dtype=np.float64)


def _objects(values: Iterable[Any]) -> Array:
    return np.array(list(values), dtype=object)


def _check_ids(name: str, ids: Array) -> None:
    if len(ids) > 1 and not bool(np.all(ids[:-1] < ids[1:])):
        at = int(np.flatnonzero(~(ids[:-1] < ids[1:]))[0])
        raise ValueError(
            f"{name} has {ids[at]!r} before {ids[at + 1]!r}. Expected unique, sorted ids"
        )
    if len(ids) and not isinstance(ids[0], str):
        raise ValueError(
            f"{name} holds {ids[0]!r} of type {type(ids[0]).__name__}. Expected text ids"
        )


def _check_codes(name: str, codes: Array, limit: int) -> None:
    if not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"{name} has dtype {codes.dtype}. Expected integer codes into {name}_ids")
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < limit:
        bad = int(codes.min()) if codes.min() < 0 else int(codes.max())
        raise ValueError(f"{name} holds code {bad}. Expected 0 to {limit - 1}")


def _check_lengths(data: TrainingData) -> None:
    events, items, users = len(data.user), len(data.item_ids), len(data.user_ids)
    expected: dict[str, tuple[Any, int]] = {
        "item": (data.item, events),
        "timestamp": (data.timestamp, events),
    }
    if data.event_type is not None:
        expected["event_type"] = (data.event_type.values, events)
    if data.event_value is not None:
        expected["event_value"] = (data.event_value, events)
    if data.impressions is not None:
        expected["impressions"] = (data.impressions, events)
    for table, size in ((data.context, events), (data.items, items), (data.users, users)):
        expected.update({name: (column.values, size) for name, column in table.items()})
    for name, (values, size) in expected.items():
        if len(values) != size:
            raise ValueError(f"{name} has {len(values)} values. Expected {size}")
    if not np.issubdtype(data.timestamp.dtype, np.integer):
        raise ValueError(
            f"timestamp has dtype {data.timestamp.dtype}. "
            "Expected whole seconds; NaN has no place there"
        )


def _check_finite(name: str, values: Array) -> None:
    infinite = np.flatnonzero(np.isinf(values.astype(np.float64)))
    if len(infinite):
        at = int(infinite[0])
        raise ValueError(
            f"{name} has value {float(values[at])!r} in row {at}. "
            "Expected a finite number or NaN for none"
        )
