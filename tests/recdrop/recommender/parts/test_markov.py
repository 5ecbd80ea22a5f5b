from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recdrop.recommender.parts.markov import largest_per_row

QUICK = settings(max_examples=25, deadline=None, derandomize=True)


@QUICK
@given(st.integers(1, 6), st.integers(0, 99))
def test_the_largest_of_each_row_are_kept(keep: int, seed: int) -> None:
    dense = np.round(np.random.default_rng(seed).random((7, 9)) * 4) * (
        np.random.default_rng(seed + 1).random((7, 9)) < 0.7
    )
    kept = largest_per_row(sparse.csr_matrix(dense), keep).toarray()
    for row, found in zip(dense, kept, strict=True):
        best = [at for at in sorted(range(9), key=lambda at: (-row[at], at)) if row[at] > 0][:keep]
        assert set(np.flatnonzero(found)) == set(best)
