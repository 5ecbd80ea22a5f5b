from __future__ import annotations

import numpy as np
from scipy import sparse

from recdrop.recommender.data.rows import Rows

MATRIX = sparse.csr_matrix(np.array([[0.0, 2.0, 1.0], [0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]))


def test_a_row_has_its_columns_and_values() -> None:
    index, value = Rows.of(MATRIX).row(0)
    assert (index.tolist(), value.tolist()) == ([1, 2], [2.0, 1.0])
    assert len(Rows.of(MATRIX).row(1)[0]) == 0


def test_the_weighted_sum_is_the_product_with_the_matrix() -> None:
    found = Rows.of(MATRIX).weighted_sum(np.array([0, 2]), np.array([0.5, 2.0]), 3)
    assert found.tolist() == [6.0, 1.0, 0.5]


def test_rows_survive_their_arrays() -> None:
    again = Rows.from_arrays(Rows.of(MATRIX).arrays("markov"), "markov")
    assert again.matrix(3).toarray().tolist() == MATRIX.toarray().tolist()
