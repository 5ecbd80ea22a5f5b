"""The servers of tests/chalicelib/town.py, started once for all tests that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chalicelib.town import Servers, Town, open_servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with open_servers(tmp_path_factory.mktemp("personalize")) as started:
        yield started


@pytest.fixture
def town(servers: Servers) -> Town:
    return servers.open_town()
