"""What a model remembers of its users, and how the newer events of a question join it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recdrop.recommender.data.histories import Histories, Past
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, Event, Query, TrainingData


@dataclass(frozen=True)
class Vocabulary:
    """Ids of both sides and the training history of every user, as a model keeps them.

    `indptr`, `item`, `weight` and `tied` are as in `Histories`; times are not needed any more.
    """

    items: Ids
    users: Ids
    indptr: Array
    item: Array
    weight: Array
    tied: Array

    @classmethod
    def of(cls, data: TrainingData, history: Histories) -> Vocabulary:
        ids = Ids.of(data.item_ids), Ids.of(data.user_ids)
        return cls(*ids, history.indptr, history.item, history.weight, history.tied)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Vocabulary:
        items, users = Ids.from_arrays(arrays, "item_ids"), Ids.from_arrays(arrays, "user_ids")
        return cls(
            items,
            users,
            *(arrays[f"history_{name}"] for name in ("starts", "item", "weight", "tied")),
        )

    def arrays(self) -> dict[str, Array]:
        history = {
            "history_starts": self.indptr,
            "history_item": self.item,
            "history_weight": self.weight,
            "history_tied": self.tied,
        }
        return {**self.items.arrays("item_ids"), **self.users.arrays("user_ids"), **history}

    def history(self, user_id: str | None) -> tuple[Array, Array, Array]:
        """Codes int32, weights float32 and ties of a user's training events, oldest first.

        Empty for an unknown user.
        """
        code = None if user_id is None else self.users.index(user_id)
        span = (
            slice(0, 0)
            if code is None
            else slice(int(self.indptr[code]), int(self.indptr[code + 1]))
        )
        return (
            np.asarray(self.item[span]),
            np.asarray(self.weight[span]),
            np.asarray(self.tied[span]),
        )


@dataclass(frozen=True)
class EventRules:
    """Which new events count, and how much.

    The same rules that the training events went through, read from the settings of the model.
    """

    by_type: Mapping[str, float] = field(default_factory=dict)
    value_threshold: float | None = None
    event_type: str | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> EventRules:
        weights = {
            str(name).lower(): float(weight)
            for name, weight in (settings.get("event_weights") or {}).items()
        }
        threshold, kind = settings.get("event_value_threshold"), settings.get("event_type")
        return cls(
            weights,
            None if threshold is None else float(threshold),
            None if kind is None else str(kind).lower(),
        )

    def weight(self, event: Event) -> float:
        """0 for what does not count, else the weight of its type, 1 where that is not named.

        An event that says neither type nor value passes: nothing in it speaks against it.
        """
        kind = None if event.event_type is None else event.event_type.lower()
        if self.event_type is not None and kind not in (None, self.event_type):
            return 0.0
        if (
            self.value_threshold is not None
            and event.event_value is not None
            and event.event_value < self.value_threshold
        ):
            return 0.0
        return self.by_type.get(kind or "", 1.0)


def whole_history(vocabulary: Vocabulary, rules: EventRules, query: Query) -> Past:
    """The training history and then the newer events of the question.

    Events of unknown items are left out.
    """
    item, weight, tied = vocabulary.history(query.user_id)
    newer = [
        (vocabulary.items.index(event.item_id), rules.weight(event), event.timestamp)
        for event in query.events
    ]
    known = [(code, share, time) for code, share, time in newer if code is not None and share > 0]
    if not known:
        return Past.of(item, weight, tied)
    codes, shares, times = (np.array(column) for column in zip(*known, strict=True))
    return Past.of(
        np.concatenate([item, codes.astype(np.int32)]),
        np.concatenate([weight, shares.astype(np.float32)]),
        # Newer events are later than all of the training history: the first is tied to nothing.
        np.concatenate([tied, [False], times[1:] == times[:-1]]),
    )
