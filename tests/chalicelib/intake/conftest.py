from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chalicelib.intake.stage import Stage, Street, open_street


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with open_street() as street:
        yield street


@pytest.fixture
def stage(street: Street) -> Stage:
    return Stage(street)
