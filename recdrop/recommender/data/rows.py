"""A sparse matrix by rows, as it lies in a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import ranges
from recdrop.recommender.data.records import Array


@dataclass(frozen=True)
class Rows:
    """CSR arrays: row `r` has the cells `starts[r]:starts[r + 1]` of `index` (columns) and `value`.

    Not a scipy matrix, which checks and copies what it is made of: a mapped file stays untouched.
    """

    starts: Array
    index: Array
    value: Array

    @classmethod
    def of(cls, matrix: sparse.csr_matrix) -> Rows:
        return cls(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float32),
        )

    def row(self, code: int) -> tuple[Array, Array]:
        """Columns int32 and values float32 of one row."""
        span = slice(int(self.starts[code]), int(self.starts[code + 1]))
        return self.index[span], self.value[span]

    def weighted_sum(self, rows: Array, shares: Array, columns: int) -> Array:
        """float32[columns]: sum of the rows, each times its share."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        cells = ranges(self.starts[rows], lengths)
        values = self.value[cells] * np.repeat(shares, lengths)
        found = np.zeros(columns, dtype=np.float32)
        np.add.at(found, self.index[cells], values)
        return found

    def arrays(self, prefix: str) -> dict[str, Array]:
        return {
            f"{prefix}_starts": self.starts,
            f"{prefix}_item": self.index,
            f"{prefix}_value": self.value,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], prefix: str) -> Rows:
        return cls(arrays[f"{prefix}_starts"], arrays[f"{prefix}_item"], arrays[f"{prefix}_value"])

    def matrix(self, columns: int) -> sparse.csr_matrix:
        return sparse.csr_matrix(
            (self.value, self.index, self.starts), shape=(len(self.starts) - 1, columns)
        )
