from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recdrop.recommender.parts.markov import largest_per_row, two_hops

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


def test_two_hops_reach_what_follows_the_followers_by_their_shares() -> None:
    steps = np.zeros((4, 4), dtype=np.float32)
    steps[0, 1], steps[0, 2] = 3.0, 1.0
    steps[1, 3] = steps[2, 0] = 0.5
    found = two_hops(sparse.csr_matrix(steps)).toarray()
    np.testing.assert_allclose(found[0], [0.25, 0, 0, 0.75])
    np.testing.assert_allclose(found[3], 0)
    np.testing.assert_allclose(
        two_hops(sparse.csr_matrix(steps), keep=1).toarray()[0], [0, 0, 0, 1]
    )


def test_two_hops_of_nothing_are_nothing() -> None:
    assert two_hops(sparse.csr_matrix((3, 3), dtype=np.float32)).nnz == 0
