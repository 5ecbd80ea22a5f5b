"""What every model can do, and the parts that all of them share: ids, header, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np

from recdrop.recommender.data.histories import Histories, Past
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, Event, Query, Scored, TrainingData
from recdrop.recommender.files import write_model
from recdrop.recommender.parts.ranking import top

ModelKind = Literal["user", "related", "ranking", "popular", "segment", "actions", "rating"]
POPULAR = "Popular item"
EXPLORATION = "Exploration"


@runtime_checkable
class Model(Protocol):
    """Reading is thread-safe.

    `metrics` were measured on held-out users before the model was fitted on all data.
    """

    @property
    def recipe(self) -> str: ...
    @property
    def kind(self) -> ModelKind: ...
    @property
    def item_ids(self) -> Array: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...

    def item_index(self, item_id: str) -> int | None: ...
    def recommend(
        self,
        query: Query,
        n: int = 25,
        *,
        allowed: Array | None = None,
        exploration_weight: float = 0.3,
        exploration_item_age_cut_off: float = 30,
        seed: int = 0,
    ) -> list[Scored]: ...
    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]: ...
    def similar(
        self, item_id: str, n: int = 25, *, allowed: Array | None = None
    ) -> list[Scored]: ...
    def segment(self, items: str | Array, n: int = 25) -> list[str]: ...
    def update(self, data: TrainingData) -> Model: ...
    def save(self, path: Path) -> None: ...


@dataclass(frozen=True)
class Header:
    """`settings` are what was asked for and what the search chose; both go into the model file."""

    recipe: str
    kind: ModelKind
    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe,
            "kind": self.kind,
            "settings": dict(self.settings),
            "metrics": dict(self.metrics),
            "seed": self.seed,
        }


class Base:
    """Ids, header and files of a model.

    A subclass holds its arrays by name and answers questions from them.
    """

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        self._header = header
        self._arrays = dict(arrays)
        self._items = Ids.from_arrays(arrays, "item_ids")

    @property
    def recipe(self) -> str:
        return self._header.recipe

    @property
    def kind(self) -> ModelKind:
        return self._header.kind

    @property
    def settings(self) -> Mapping[str, Any]:
        return self._header.settings

    @property
    def metrics(self) -> Mapping[str, float]:
        return self._header.metrics

    @property
    def header(self) -> Header:
        return self._header

    @property
    def item_ids(self) -> Array:
        return self._items.values

    def item_index(self, item_id: str) -> int | None:
        return self._items.index(item_id)

    def save(self, path: Path) -> None:
        """A folder. An older model of that name is replaced."""
        write_model(path, self._header.as_dict(), self._arrays)

    def update(self, data: TrainingData) -> Model:
        """A model of the same settings with what `data`, the whole of the data now, has in
        addition.
        """
        from recdrop.recommender.fitting.updating import (
            update,
        )  # it knows every recipe, and each of them is built on this class

        return update(self, data)

    def with_metrics(self, metrics: Mapping[str, float]) -> Self:
        return type(self)(replace(self._header, metrics=metrics), self._arrays)

    def recommend(
        self,
        query: Query,
        n: int = 25,
        *,
        allowed: Array | None = None,
        exploration_weight: float = 0.3,
        exploration_item_age_cut_off: float = 30,
        seed: int = 0,
    ) -> list[Scored]:
        del query, n, allowed, exploration_weight, exploration_item_age_cut_off, seed
        raise self._unable("recommend items")

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        del query, items
        raise self._unable("rank items")

    def similar(self, item_id: str, n: int = 25, *, allowed: Array | None = None) -> list[Scored]:
        del item_id, n, allowed
        raise self._unable("find similar items")

    def segment(self, items: str | Array, n: int = 25) -> list[str]:
        del items, n
        raise self._unable("segment users")

    def _unable(self, what: str) -> ValueError:
        return ValueError(
            f"Recipe {self.recipe!r} of kind {self.kind!r} cannot {what}. Expected another recipe"
        )


@dataclass(frozen=True)
class Vocabulary:
    """Ids of both sides and the training history of every user, as a model keeps them."""

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
        """Codes int32, weights float32 and ties of a user's training events, oldest first; empty
        for an unknown user.
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
    """Which new events count, and how much: the same rules that the training events went through."""

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
    """Training history and then the newer events of the question.

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
        np.concatenate([tied, [False], times[1:] == times[:-1]]),
    )


def popular_items(
    ids: Ids, popularity: Array, n: int, allowed: Array | None, *, scored: bool = False
) -> list[Scored]:
    """The most popular items among `allowed`, as fillers (no score, with the reason) or as the
    answer itself.
    """
    chosen = top(popularity, n, allowed)
    if scored:
        return [Scored(ids.name(int(code)), float(popularity[code])) for code in chosen]
    return [Scored(ids.name(int(code)), None, POPULAR) for code in chosen]
