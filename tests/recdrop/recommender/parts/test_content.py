from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from recdrop.recommender import Column
from recdrop.recommender.parts.content import Content, describe, nearest

PRINTED_FEATURES = """
import numpy as np
from recdrop.recommender import Column
from recdrop.recommender.parts.content import describe
values = np.array(["drama|war|history", "war|drama|history", "history|sea"] * 3, dtype=object)
found = describe({"GENRE": Column("categorical", values)}, 9)
print(found.features.index.tolist(), found.features.value.tolist())
"""


def _categories(*values: str | None) -> Column:
    return Column("categorical", np.array(values, dtype=object))


def _described(items: int, **columns: Column) -> Content:
    found = describe(columns, items)
    assert found is not None
    return found


def _lengths(content: Content) -> list[float]:
    dense = content.features.matrix(content.columns).toarray()
    return [float(length) for length in np.linalg.norm(dense, axis=1).round(5)]


def test_features_lie_in_the_same_order_in_every_process() -> None:
    """Python hashes texts with another seed in each; the model files must not show it."""
    found = {
        subprocess.run(
            [sys.executable, "-c", PRINTED_FEATURES],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_items_have_features_of_length_1_or_none() -> None:
    content = _described(4, GENRE=_categories("war", "war|sea", "sea", None))
    assert _lengths(content) == [1, 1, 1, 0]


def test_what_only_one_item_has_says_nothing() -> None:
    content = _described(3, GENRE=_categories("war|alone", "war", "never"))
    assert content.columns == 1
    assert _lengths(content) == [1, 1, 0]


def test_numbers_on_both_sides_of_an_edge_still_meet() -> None:
    prices = Column("number", np.arange(16, dtype=np.float64))
    near = nearest(_described(16, PRICE=prices), keep=15, targets=np.arange(16)).toarray()
    assert near[1, 2] > 0
    assert near[0, 15] == 0


def test_the_creation_time_is_no_taste() -> None:
    created = Column("number", np.arange(4, dtype=np.float64))
    assert describe({"CREATION_TIMESTAMP": created}, 4) is None


@pytest.mark.parametrize("targets", [[0, 1, 2, 3], [1, 3]])
def test_the_nearest_are_alike_and_among_the_targets(targets: list[int]) -> None:
    content = _described(4, GENRE=_categories("war", "war", "sea", "sea"))
    near = nearest(content, keep=2, targets=np.array(targets)).toarray()
    pairs = {(0, 1), (1, 0), (2, 3), (3, 2)}
    assert set(zip(*(part.tolist() for part in near.nonzero()), strict=True)) == {
        (item, other) for item, other in pairs if other in targets
    }
