from __future__ import annotations

from chalicelib.sources import registry
from chalicelib.sources.snowplow import HABITS


def test_each_table_is_written_twice_and_the_csv_is_kept() -> None:
    assert HABITS.twins == ((".csv", ".parquet"),)
    assert registry.original_of("shop/x_items/t.parquet") == "shop/x_items/t.csv"
    assert registry.original_of("shop/x_items/t.csv") is None
    assert registry.original_of("shop/x_items/t.parquet.gz") is None
