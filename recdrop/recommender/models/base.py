"""What every model is: its header, its items, its files, and the questions it may be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.files import write_model
from recdrop.recommender.parts.ranking import top

ModelKind = Literal["user", "related", "ranking", "popular", "segment", "actions", "rating"]
POPULAR = "Popular item"
EXPLORATION = "Exploration"


@dataclass(frozen=True)
class Header:
    """What a model file says of itself beside its arrays.

    `settings` are what was asked for and what the search chose. `metrics` were measured on
    held-out users, before the model was fitted on everyone.
    """

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


class Model:
    """A trained model: a header and named arrays, nothing else.

    A subclass answers the questions that its recipe is for; the others are refused. Reading is
    thread-safe. Nothing changes a model: an update or new metrics make another one.
    """

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        self._header = header
        self._arrays = dict(arrays)
        self._items = Ids.from_arrays(arrays, "item_ids")

    @property
    def header(self) -> Header:
        return self._header

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
    def item_ids(self) -> Array:
        """Object array of str, sorted: the id of code `c` is `item_ids[c]`."""
        return self._items.values

    def item_index(self, item_id: str) -> int | None:
        """The code of an item, or None for one that the model does not know."""
        return self._items.index(item_id)

    def save(self, path: Path) -> None:
        """Writes the model folder `path`; an older model of that name is replaced."""
        write_model(path, self._header.as_dict(), self._arrays)

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
        """The best `n` items for the question, best first.

        `allowed` is bool[items] by item code; nothing else is answered. The cut-off is in days.

        Raises:
            ValueError: The recipe is not for recommending items.
        """
        del query, n, allowed, exploration_weight, exploration_item_age_cut_off, seed
        raise self._unable("recommend items")

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """The given items, best first; unknown ones come last with score 0.

        Raises:
            ValueError: The recipe is not for ranking.
        """
        del query, items
        raise self._unable("rank items")

    def similar(self, item_id: str, n: int = 25, *, allowed: Array | None = None) -> list[Scored]:
        """The `n` items most related to one item, never the item itself.

        Raises:
            ValueError: The recipe is not for related items.
        """
        del item_id, n, allowed
        raise self._unable("find similar items")

    def segment(self, items: str | Array, n: int = 25) -> list[str]:
        """The `n` users likeliest to take an item, or one of the items of a bool mask.

        Raises:
            ValueError: The recipe is not for segments, or the mask has another length than the
                catalogue.
        """
        del items, n
        raise self._unable("segment users")

    def _in_order(self, items: Sequence[str], score: Callable[[int], float]) -> list[Scored]:
        """Known items by the score of their code, ties by id; unknown ones after them, as given."""
        codes = [(identifier, self.item_index(identifier)) for identifier in items]
        known = [(name, score(code)) for name, code in codes if code is not None]
        known.sort(key=lambda pair: (-pair[1], pair[0]))
        unknown = [(name, 0.0) for name, code in codes if code is None]
        return [Scored(name, value) for name, value in (*known, *unknown)]

    def _unable(self, what: str) -> ValueError:
        return ValueError(
            f"Recipe {self.recipe!r} of kind {self.kind!r} cannot {what}. Expected another recipe"
        )


def popular_items(
    ids: Ids, popularity: Array, n: int, allowed: Array | None, *, scored: bool = False
) -> list[Scored]:
    """The `n` most popular items among `allowed`.

    As fillers they carry a reason and no score; with `scored` they are the answer itself.
    """
    chosen = top(popularity, n, allowed)
    if scored:
        return [Scored(ids.name(int(code)), float(popularity[code])) for code in chosen]
    return [Scored(ids.name(int(code)), None, POPULAR) for code in chosen]
