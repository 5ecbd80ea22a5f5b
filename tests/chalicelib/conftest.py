"""The servers of tests/chalicelib/town.py, started once for all tests that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.runs import Run
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
