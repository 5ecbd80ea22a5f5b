"""`house`: the API over an empty table. `shop`: one group with a campaign and a popular list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chalicelib.house import House, Street, open_street


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with open_street() as opened:
        yield opened


@pytest.fixture
def house(street: Street) -> House:
    return street.open_house()


@pytest.fixture
def shop(house: House) -> House:
    return open_shop(house)


@pytest.fixture(scope="module")
def standing_shop(street: Street) -> House:
    """One shop for the many tests that only send what is refused."""
    return open_shop(street.open_house())


def open_shop(house: House) -> House:
    house.serve()
    house.serve_popular("tea", "milk", "rice")
    return house
