"""The closed form of the ridge: B = (G + lambda I)^-1 C.

With a zero diagonal where an item is not to predict itself.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from recdrop.recommender.data.records import Array
from recdrop.recommender.parts.cores import all_cores_if_large


def solve(gram: Array, cross: Array, penalty: float, *, zero_diagonal: bool) -> Array:
    """float32[head, head].

    The diagonal is constrained by its Lagrange multiplier, as in EASE (Steck, 2019).

    Raises:
        ValueError: No penalty within reach makes the matrix positive definite.
    """
    if not len(gram):
        return np.zeros((0, 0), dtype=np.float32)
    with all_cores_if_large(len(gram)):
        inverse = _inverse(gram, penalty)
        weights = inverse @ cross
    if zero_diagonal:
        # Column j must lose inverse[:, j] times what brings its own entry to 0: B[j, j] / inverse[j, j].
        weights -= inverse * (np.diag(weights) / np.diag(inverse))
        np.fill_diagonal(weights, 0.0)
    found: Array = weights.astype(np.float32, copy=False)
    return found


def _inverse(gram: Array, penalty: float) -> Array:
    """float32, by Cholesky: half the work of a general inverse, and it tells an indefinite matrix."""
    matrix = np.array(gram, dtype=np.float32, order="F")
    matrix[np.diag_indices_from(matrix)] += np.float32(penalty)
    factor, failed = lapack.spotrf(matrix, lower=1, overwrite_a=1)
    if failed:
        return _inverse_in_double(gram, penalty)
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    return _mirror(inverse)


def _inverse_in_double(gram: Array, penalty: float) -> Array:
    """In double precision, with the penalty raised until it is large enough.

    Windows that overlap, and lags that stand for others, can leave a Gram matrix indefinite.
    """
    for raised in (penalty * 4.0**step for step in range(12)):
        matrix = np.array(gram, dtype=np.float64, order="F")
        matrix[np.diag_indices_from(matrix)] += raised
        factor, failed = lapack.dpotrf(matrix, lower=1)
        if not failed:
            inverse, _ = lapack.dpotri(factor, lower=1)
            return _mirror(inverse.astype(np.float32))
    raise ValueError(
        f"penalty has value {penalty!r}. Expected one large enough for {len(gram)} items"
    )


def _mirror(lower: Array) -> Array:
    """The symmetric matrix of a lower triangle above which there are zeros."""
    lower[np.diag_indices_from(lower)] *= 0.5
    found: Array = lower + lower.T
    return found
