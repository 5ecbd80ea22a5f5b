"""One split of one data set in a file that every system reads: the same training events, questions
and truths for all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recdrop.recommender import Column, TrainingData
from recdrop.recommender.data.histories import histories
from recdrop.recommender.data.records import Kind
from recdrop.recommender.data.split import draw_users, hold_out

Array = Any
MOST_USERS = 2500


@dataclass(frozen=True)
class Split:
    """Codes throughout. Question q knows `known[known_starts[q]:known_starts[q + 1]]`, oldest
    first; likewise truth.

    `metadata` is JSON: by name of the column its kind and the value of every item, null where it
    has none.
    """

    user: Array
    item: Array
    timestamp: Array
    value: Array
    users: int
    items: int
    asked: Array
    known_starts: Array
    known: Array
    known_value: Array
    known_time: Array
    truth_starts: Array
    truth: Array
    repeats: bool
    metadata: str

    def columns(self) -> dict[str, Column]:
        return {
            name: _column(kind, values)
            for name, (kind, values) in json.loads(self.metadata).items()
        }

    def questions(self) -> list[Array]:
        return [
            self.known[a:b]
            for a, b in zip(self.known_starts[:-1], self.known_starts[1:], strict=True)
        ]

    def truths(self) -> list[list[int]]:
        return [
            self.truth[a:b].tolist()
            for a, b in zip(self.truth_starts[:-1], self.truth_starts[1:], strict=True)
        ]

    def save(self, file: Path) -> None:
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(self).items()}
        np.savez(file, **arrays)

    @classmethod
    def load(cls, file: Path) -> Split:
        with np.load(file, allow_pickle=False) as stored:
            found: dict[str, Any] = {name: stored[name] for name in stored.files}
        whole = {name: found[name].item() for name in ("users", "items", "repeats", "metadata")}
        return cls(**{**found, **whole})


def make_split(data: TrainingData, seed: int, *, repeats: bool) -> Split:
    """A tenth of the users, held out completely; the newest tenth of each one's events is the
    truth.
    """
    history = histories(data)
    asked = draw_users(history, 0.1, MOST_USERS, np.random.default_rng(seed))
    cases = hold_out(history, asked)
    training = ~np.isin(data.user, asked)
    value = np.ones(len(data)) if data.event_value is None else data.event_value
    return Split(
        data.user[training],
        data.item[training],
        data.timestamp[training],
        value[training],
        len(data.user_ids),
        len(data.item_ids),
        asked,
        cases.known.indptr,
        cases.known.item,
        value[cases.known.row],
        cases.known.timestamp,
        cases.starts,
        cases.truth,
        repeats,
        json.dumps({name: (column.kind, _values(column)) for name, column in data.items.items()}),
    )


def _column(kind: Kind, values: Sequence[Any]) -> Column:
    return Column(kind, np.array(values, dtype=np.float64 if kind == "number" else object))


def _values(column: Column) -> list[Any]:
    return [None if value is None or value != value else value for value in column.values.tolist()]
