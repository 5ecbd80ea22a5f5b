"""`house`: the API over an empty table. `shop`: one group with a campaign and a popular list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chalicelib.serving.house import House, open_house


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as opened:
        yield opened


@pytest.fixture
def shop(house: House) -> House:
    house.serve()
    house.serve_popular("tea", "milk", "rice")
    return house
