from __future__ import annotations

from chalicelib.sources.shopify import ADAPTER


def test_the_shopper_is_an_address_and_the_advice_says_so() -> None:
    assert ADAPTER.columns["USER_ID"] == "Email"
    assert "e-mail" in ADAPTER.advice
