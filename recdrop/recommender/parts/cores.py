"""How many threads linear algebra may use.

BLAS threads wait for each other by spinning: on a busy machine many small products then take five
times the processor time, for little gain on an idle one. So one thread, except for large solves.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits

LARGE = 4500


def one_core() -> AbstractContextManager[object]:
    """For everything but a large solve."""
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def all_cores_if_large(size: int) -> AbstractContextManager[object]:
    """For a cubic solve of `size` unknowns.

    The size decides, not the machine's load: the number of threads shows in the last bits.
    """
    limits: AbstractContextManager[object] = threadpool_limits(
        os.cpu_count() or 1 if size > LARGE else 1
    )
    return limits
