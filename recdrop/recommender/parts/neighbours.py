"""Items that are used together: windowed co-occurrence, as a cosine damped by popularity."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.parts.markov import co_occurrences, largest_per_row

NEIGHBOURS = 500


def side_by_side(
    history: Histories,
    items: int,
    *,
    window: int,
    tau: float,
    backward: float = 1.0,
    least: float = 0.0,
) -> sparse.csr_matrix:
    """CSR [items, items]: windowed co-occurrence without the diagonal.

    What came after an item counts 1, what came before it `backward`: with 1 it is symmetric. Pairs
    below `least` are left out.
    """
    total = co_occurrences(history, items, window=window, tau=tau)
    both = sparse.csr_matrix(total + np.float32(backward) * total.T)
    both.setdiag(0)
    both.data[both.data < least] = 0
    both.eliminate_zeros()
    return both


def used_together(
    both: sparse.csr_matrix, history: Histories, *, discount: float
) -> sparse.csr_matrix:
    """CSR [items, items]: co-occurrence over sqrt(uses i) x uses j ** discount.

    With a discount of 0.5 it is the cosine; less lets popular neighbours through.
    """
    uses = np.maximum(
        np.bincount(history.item, weights=history.weight, minlength=both.shape[0]), 1.0
    )
    scaled = sparse.diags(uses**-0.5) @ both @ sparse.diags(uses**-discount)
    return largest_per_row(sparse.csr_matrix(scaled, dtype=np.float32), NEIGHBOURS)
