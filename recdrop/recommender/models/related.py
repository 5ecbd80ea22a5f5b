"""Related items: the neighbours of each item, found beforehand and kept with their similarity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.data.rows import Rows
from recdrop.recommender.models.base import Header, Model, popular_items
from recdrop.recommender.parts.ranking import top


class RelatedModel(Model):
    """Answers from a table of neighbours; popularity fills up and answers for unknown items."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._neighbours = Rows.from_arrays(arrays, "neighbour")
        self._popularity = arrays["popularity"]

    def similar(self, item_id: str, n: int = 25, *, allowed: Array | None = None) -> list[Scored]:
        """Neighbours first, then popular items as fillers, never the item itself.

        An unknown item gets popular items alone.
        """
        code = self.item_index(item_id)
        if code is None:
            return popular_items(self._items, self._popularity, n, allowed)
        index, value = self._neighbours.row(code)
        # The table was cut before the filter: what it leaves may be few, and popular items fill up.
        keep = np.ones(len(index), dtype=bool) if allowed is None else allowed[index]
        index, value = index[keep], value[keep]
        chosen = top(value, n)
        found = [Scored(self._items.name(int(index[at])), float(value[at])) for at in chosen]
        return found + self._fill(n - len(found), index, code, allowed)

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
        """What is similar to the query's item, or to that of its newest event."""
        del exploration_weight, exploration_item_age_cut_off, seed
        item = query.item_id or (query.events[-1].item_id if query.events else "")
        return self.similar(item, n, allowed=allowed)

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """By similarity to the query's item; unknown items last, in the given order, with score 0."""
        near = self._near(self.item_index(query.item_id or ""))
        return self._in_order(items, lambda code: float(near.get(code, 0.0)))

    def _near(self, code: int | None) -> dict[int, float]:
        """The similarity of each neighbour, by code."""
        if code is None:
            return {}
        index, value = self._neighbours.row(code)
        return dict(zip(index.tolist(), value.tolist(), strict=True))

    def _fill(self, n: int, taken: Array, code: int, allowed: Array | None) -> list[Scored]:
        """`n` popular items that are neither among `taken` nor the item asked about."""
        if n <= 0:
            return []
        free = np.ones(len(self._popularity), dtype=bool) if allowed is None else allowed.copy()
        free[taken] = False
        free[code] = False
        return popular_items(self._items, self._popularity, n, free)


def related_model(
    header: Header, ids: Ids, neighbours: sparse.csr_matrix, popularity: Array
) -> RelatedModel:
    """`neighbours` is CSR [items, items], the similarity of each kept pair."""
    arrays = {
        **ids.arrays("item_ids"),
        **Rows.of(neighbours).arrays("neighbour"),
        "popularity": popularity,
    }
    return RelatedModel(header, arrays)
