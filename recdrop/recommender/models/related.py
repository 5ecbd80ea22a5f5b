"""Items that are used together: windowed co-occurrence, as a cosine damped by popularity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.data.ids import Ids
from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.models.base import Base, Header, popular_items
from recdrop.recommender.parts.markov import Rows, co_occurrences, largest_per_row
from recdrop.recommender.parts.ranking import top

NEIGHBOURS = 500


class RelatedModel(Base):
    """`neighbours` are the best of each item with their similarity; `popularity` answers for
    unknown items.
    """

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._neighbours = Rows.from_arrays(arrays, "neighbour")
        self._popularity = arrays["popularity"]

    def similar(self, item_id: str, n: int = 25, *, allowed: Array | None = None) -> list[Scored]:
        """Never the item itself.

        Neighbours first, then popular items as fillers; an unknown item gets popular ones.
        """
        code = self.item_index(item_id)
        if code is None:
            return popular_items(self._items, self._popularity, n, allowed)
        index, value = self._neighbours.row(code)
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
        """Of the query's item, or of its newest event's."""
        del exploration_weight, exploration_item_age_cut_off, seed
        item = query.item_id or (query.events[-1].item_id if query.events else "")
        return self.similar(item, n, allowed=allowed)

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """By similarity to the query's item; unknown items last, in the given order, with score 0."""
        code = self.item_index(query.item_id or "")
        near = (
            {}
            if code is None
            else dict(zip(*(part.tolist() for part in self._neighbours.row(code)), strict=True))
        )
        known = [
            (i, float(near.get(at, 0.0))) for i in items if (at := self.item_index(i)) is not None
        ]
        unknown = [
            Scored(identifier, 0.0) for identifier in items if self.item_index(identifier) is None
        ]
        return [
            Scored(*pair) for pair in sorted(known, key=lambda pair: (-pair[1], pair[0]))
        ] + unknown

    def _fill(self, n: int, taken: Array, code: int, allowed: Array | None) -> list[Scored]:
        if n <= 0:
            return []
        free = np.ones(len(self._popularity), dtype=bool) if allowed is None else allowed.copy()
        free[taken] = False
        free[code] = False
        return popular_items(self._items, self._popularity, n, free)


def related_model(
    header: Header, ids: Ids, neighbours: sparse.csr_matrix, popularity: Array
) -> RelatedModel:
    return RelatedModel(
        header,
        {
            **ids.arrays("item_ids"),
            **Rows.of(neighbours).arrays("neighbour"),
            "popularity": popularity,
        },
    )


def side_by_side(
    history: Histories, items: int, *, window: int, tau: float, least: float = 0.0
) -> sparse.csr_matrix:
    """CSR [items, items]: symmetric windowed co-occurrence without the diagonal; pairs below
    `least` are left out.
    """
    total = co_occurrences(history, items, window=window, tau=tau)
    both = sparse.csr_matrix(total + total.T)
    both.setdiag(0)
    both.data[both.data < least] = 0
    both.eliminate_zeros()
    return both


def used_together(
    both: sparse.csr_matrix, history: Histories, *, discount: float
) -> sparse.csr_matrix:
    """CSR [items, items]: co-occurrence over sqrt(uses i) x uses j ** discount."""
    uses = np.maximum(
        np.bincount(history.item, weights=history.weight, minlength=both.shape[0]), 1.0
    )
    scaled = sparse.diags(uses**-0.5) @ both @ sparse.diags(uses**-discount)
    return largest_per_row(sparse.csr_matrix(scaled, dtype=np.float32), NEIGHBOURS)
