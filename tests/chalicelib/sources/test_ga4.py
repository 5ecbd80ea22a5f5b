from __future__ import annotations

from chalicelib.sources.ga4 import ADAPTER


def test_a_daily_table_adds_to_the_days_before_and_each_item_counts() -> None:
    assert ADAPTER.data == "append"
    assert ADAPTER.columns["ITEM_ID"] == "items.item_id"
    assert "for each of its items" in ADAPTER.advice
