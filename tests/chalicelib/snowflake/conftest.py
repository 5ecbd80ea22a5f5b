"""The same houses as for the HTTP routes."""

from __future__ import annotations

from tests.chalicelib.serving.conftest import house, shop, standing_shop, street

__all__ = ["house", "shop", "standing_shop", "street"]
