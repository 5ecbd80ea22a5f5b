"""Two kinds of neighbourhood, for all tests that ask for one.

servers, town, promoted     moto and the local Personalize (tests/chalicelib/town.py)
street, house, shop         the API over moto, its campaigns faked (tests/chalicelib/house.py)
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.runs import Run
from tests.chalicelib.house import House, Street, open_street
from tests.chalicelib.shop import promote_all
from tests.chalicelib.town import Servers, Town, open_servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with open_servers(tmp_path_factory.mktemp("personalize")) as started:
        yield started


@pytest.fixture
def town(servers: Servers) -> Town:
    return servers.open_town()


@pytest.fixture(scope="session")
def promoted(servers: Servers) -> Run:
    """A group's first run, all tasks taken: the tests enter them once more, or look at its traces."""
    return promote_all(servers.open_town(), "promoted")


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with open_street() as opened:
        yield opened


@pytest.fixture
def house(street: Street) -> House:
    """The API over an empty table."""
    return street.open_house()


@pytest.fixture
def shop(house: House) -> House:
    """One group with a campaign and a popular list."""
    return open_shop(house)


@pytest.fixture(scope="module")
def standing_shop(street: Street) -> House:
    """One shop for the many tests that only send what is refused."""
    return open_shop(street.open_house())


def open_shop(house: House) -> House:
    house.serve()
    house.serve_popular("tea", "milk", "rice")
    return house
