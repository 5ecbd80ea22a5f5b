from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.ridge import solve


def _problem(seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    past, ahead = rng.random((50, 8)), rng.random((50, 8))
    return past.T @ past, past.T @ ahead


def test_the_free_solution_is_the_ridge() -> None:
    gram, cross = _problem()
    expected = np.linalg.solve(gram + 3 * np.eye(8), cross)
    np.testing.assert_allclose(solve(gram, cross, 3.0, zero_diagonal=False), expected, atol=1e-4)


def test_with_a_zero_diagonal_each_column_is_the_ridge_without_its_own_item() -> None:
    gram, cross = _problem()
    found = solve(gram, cross, 3.0, zero_diagonal=True)
    for column in range(8):
        rest = [row for row in range(8) if row != column]
        expected = np.linalg.solve(gram[np.ix_(rest, rest)] + 3 * np.eye(7), cross[rest, column])
        np.testing.assert_allclose(found[rest, column], expected, atol=1e-4)
        assert found[column, column] == 0


def test_no_items_make_no_weights() -> None:
    assert solve(np.zeros((0, 0)), np.zeros((0, 0)), 1.0, zero_diagonal=True).shape == (0, 0)


def test_a_problem_without_a_solution_is_named() -> None:
    with pytest.raises(ValueError, match=r"penalty has value -5.0"):
        solve(np.eye(3), np.eye(3), -5.0, zero_diagonal=False)
