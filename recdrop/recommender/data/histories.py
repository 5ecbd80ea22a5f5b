"""Interactions as one weighted event sequence per user, oldest first, in CSR form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from recdrop.recommender.data.records import Array, TrainingData

LEAST_REPEATS = 0.001


@dataclass(frozen=True)
class Histories:
    """One weighted sequence of events per user, oldest first, in CSR form.

    User `u` has the events `indptr[u]:indptr[u + 1]` of `item` (codes, int32), `weight` (float32),
    `timestamp` (int64) and `row` (int64). `row` is the event's position in the training data: its
    context is looked up there.
    """

    indptr: Array
    item: Array
    weight: Array
    timestamp: Array
    row: Array

    @property
    def users(self) -> int:
        return len(self.indptr) - 1

    def __len__(self) -> int:
        return len(self.item)

    @cached_property
    def is_unweighted(self) -> bool:
        """Whether every event weighs 1, which is usual and cheaper to count."""
        return bool((self.weight == 1).all())

    @cached_property
    def tied(self) -> Array:
        """bool[events]: of the same user and moment as the event before it."""
        found = np.append(False, self.timestamp[1:] == self.timestamp[:-1])[: len(self)]
        # The first event of a user is tied to nothing, whatever the user before it did.
        found[self.indptr[:-1][self.indptr[:-1] < len(self)]] = False
        return found

    def user_of_event(self) -> Array:
        """int32[events]: the user of each event."""
        return np.repeat(np.arange(self.users, dtype=np.int32), np.diff(self.indptr))

    def of(self, user: int) -> slice:
        """Where the events of a user lie."""
        return slice(int(self.indptr[user]), int(self.indptr[user + 1]))

    def blocks(self, events: int) -> Iterator[Histories]:
        """The same events in views of whole users, of about `events` each."""
        marks = np.arange(0, len(self) + events, events)
        bounds = np.unique(np.searchsorted(self.indptr, marks, side="left").clip(0, self.users))
        for first, last in pairwise(bounds.tolist()):
            span = slice(int(self.indptr[first]), int(self.indptr[last]))
            indptr = self.indptr[first : last + 1] - span.start
            yield Histories(
                indptr, self.item[span], self.weight[span], self.timestamp[span], self.row[span]
            )

    def take_users(self, users: Array) -> Histories:
        """Only these users, in this order; users are renumbered."""
        lengths = np.diff(self.indptr)[users]
        return self._take(ranges(self.indptr[:-1][users], lengths), lengths)

    def take_events(self, keep: Array) -> Histories:
        """The same users with only the events of the bool mask."""
        lengths = np.bincount(self.user_of_event()[keep], minlength=self.users)
        return self._take(np.flatnonzero(keep), lengths)

    def _take(self, positions: Array, lengths: Array) -> Histories:
        return Histories(
            offsets(lengths),
            self.item[positions],
            self.weight[positions],
            self.timestamp[positions],
            self.row[positions],
        )


@dataclass(frozen=True)
class Past:
    """What one user had, oldest first.

    `item` are codes, int32; `weight` and `steps` are float32. `steps` says how many events back
    each one is, as `steps_back` counts.
    """

    item: Array
    weight: Array
    steps: Array

    @classmethod
    def of(cls, item: Array, weight: Array, tied: Array) -> Past:
        return cls(item, weight, steps_back(np.array([0, len(item)]), tied))

    def __len__(self) -> int:
        return len(self.item)


def steps_back(indptr: Array, tied: Array) -> Array:
    """float32[events]: how many events of its user are newer.

    Events of one moment have no order: an export often knows the day only, or one moment for a
    whole basket. They share the mean of their places.
    """
    newer = (np.repeat(indptr[1:], np.diff(indptr)) - 1 - np.arange(len(tied))).astype(np.float32)
    if not tied.any():
        return newer
    # Every run of tied events starts at one that is not tied. The oldest of a run of `size` has
    # `size - 1` newer ones within it, the newest has none: on average (size - 1) / 2.
    first = np.flatnonzero(~tied)
    size = np.diff(np.append(first, len(tied)))
    found: Array = np.repeat(newer[first] - (size - 1) / 2, size).astype(np.float32)
    return found


def decay(steps: Array, memory: float) -> Array:
    """float32: the weight (1 + d / memory) ** -2 of an event d steps back.

    Its long tail does better than an exponential on every data set measured (docs/research.md):
    what was long ago says little, but not nothing.
    """
    found: Array = (1 + steps / np.float32(memory)) ** -2
    return found


def offsets(lengths: Array) -> Array:
    """int64[n + 1]: where each of `n` parts of these lengths begins, and the end of the last."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def ranges(starts: Array, lengths: Array) -> Array:
    """The positions start, start + 1, ... of every range, one after the other."""
    total = int(lengths.sum())
    # Within the output, range r begins at the sum of the lengths before it. Counting 0, 1, 2, ... over
    # the whole output and adding the difference gives all ranges without a loop.
    first = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return first + np.arange(total)


def concatenate(first: Histories, second: Histories) -> Histories:
    """The users of the first, then those of the second."""
    return Histories(
        np.concatenate([first.indptr, second.indptr[1:] + first.indptr[-1]]),
        np.concatenate([first.item, second.item]),
        np.concatenate([first.weight, second.weight]),
        np.concatenate([first.timestamp, second.timestamp]),
        np.concatenate([first.row, second.row]),
    )


def histories(data: TrainingData, weights: Array | None = None) -> Histories:
    """Sequences by user and time; events of equal time keep their order in the data.

    Events of weight 0 are left out.
    """
    weight = np.ones(len(data), dtype=np.float32) if weights is None else weights.astype(np.float32)
    rows = np.flatnonzero(weight > 0)
    order = rows[np.lexsort((data.timestamp[rows], data.user[rows]))]
    lengths = np.bincount(data.user[order], minlength=len(data.user_ids))
    return Histories(
        offsets(lengths),
        data.item[order].astype(np.int32),
        weight[order],
        data.timestamp[order].astype(np.int64),
        order.astype(np.int64),
    )


def event_weights(
    data: TrainingData,
    by_type: Mapping[str, float] | None = None,
    value_threshold: float | None = None,
    event_type: str | None = None,
) -> Array:
    """float32[events]: the weight of each event's type, 1 where it is not named; 0 for what does not count.

    Event types compare without case. An event below `value_threshold`, or without a value when
    there is a threshold, does not count; nor does one of another type than `event_type`, when that
    is given.
    """
    weights = np.ones(len(data), dtype=np.float32)
    if data.event_type is not None:
        types, codes = _lowered(data.event_type.values)
        wanted = {name.lower(): float(weight) for name, weight in (by_type or {}).items()}
        table = np.array([wanted.get(name, 1.0) for name in types], dtype=np.float32)
        if event_type is not None:
            table *= np.array([name == event_type.lower() for name in types], dtype=np.float32)
        weights = table[codes]
    if value_threshold is not None and data.event_value is not None:
        weights = np.where(data.event_value >= value_threshold, weights, np.float32(0))
    return weights


def _lowered(values: Array) -> tuple[list[str], Array]:
    """The distinct event types in lower case, and int64[events] codes into them."""
    names: dict[str, int] = {}
    codes = [
        names.setdefault("" if value is None else str(value).lower(), len(names))
        for value in values
    ]
    return list(names), np.array(codes, dtype=np.int64)


def repeat_share(history: Histories) -> float:
    """The share of events whose user had the same item before."""
    if not len(history):
        return 0.0
    # One number per (user, item): the events beyond the distinct ones are returns.
    keys = history.user_of_event().astype(np.int64) * (int(history.item.max()) + 1) + history.item
    return 1.0 - len(np.unique(keys)) / len(keys)


def items_repeat(history: Histories) -> bool:
    """Whether to have an item again is a habit here: more than one event in a thousand is a return.

    Fewer are accidents of an export.
    """
    return repeat_share(history) > LEAST_REPEATS
