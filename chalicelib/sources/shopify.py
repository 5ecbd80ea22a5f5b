"""Shopify: the orders export of its admin page, a line for each line item of each order.

An order of several lines has its own values (paid, customer, dates) in the first of them only.
Nobody but the shopper's address says who bought, so that is the user.
"""

from __future__ import annotations

from chalicelib.sources.adapter import Adapter, Sign

ADAPTER = Adapter(
    "shopify",
    "Shopify's orders export",
    signs=(
        Sign(
            "an orders export of Shopify",
            columns=frozenset({"name", "email", "lineitem name", "lineitem sku", "created at"}),
        ),
    ),
    columns={"USER_ID": "Email", "ITEM_ID": "Lineitem sku", "TIMESTAMP": "Created at"},
    order_key="Name",
    advice="users are e-mail addresses here: export a customer id instead where you can",
)
