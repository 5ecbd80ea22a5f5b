from __future__ import annotations

from chalicelib.sources.ga4 import ADAPTER


def test_a_daily_table_adds_to_the_days_before_and_items_need_unnesting() -> None:
    assert ADAPTER.data == "append"
    assert "UNNEST(items)" in ADAPTER.advice
