from __future__ import annotations

import pytest

from chalicelib.sources.adapter import Seen
from chalicelib.sources.bigquery import ADAPTER


@pytest.mark.parametrize(
    ("path", "is_its"),
    [
        ("a/orders-000000000012.csv.gz", True),
        ("a/000000000000.parquet", True),
        ("a/20240101000000000012.csv", False),
        ("a/0000.csv", False),
    ],
)
def test_its_shards_have_twelve_digits(path: str, is_its: bool) -> None:
    assert bool(ADAPTER.why(Seen([path]))) is is_its
