from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from recdrop.personalize.control.quotas import load_quotas
from tests.recdrop.personalize.conformance.client import Client
from tests.recdrop.personalize.conformance.stage import (
    WITHOUT_QUOTAS,
    Frozen,
    Stage,
    copy_of,
    freeze,
    stage_in,
)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server on which nothing exists and no job ever runs."""
    with freeze(tmp_path_factory.mktemp("empty"), WITHOUT_QUOTAS) as client:
        yield client


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Everything the service knows, built, used and torn down once."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return stage_in(shared / "stage")


@pytest.fixture(scope="session")
def busy(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    """Everything as built, without quotas, and time stands still: what is begun stays PENDING.

    It refuses all that the service's documents do.
    """
    folder = tmp_path_factory.mktemp("busy")
    with copy_of(stage, folder, WITHOUT_QUOTAS, strict=True) as client:
        yield client


@pytest.fixture(scope="session")
def full(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    """Everything as built, and no room for anything more."""
    quotas = load_quotas()
    counts = [
        name
        for name in quotas.values
        if name.endswith(("_in_progress", "_per_group")) or name in ("schemas", "dataset_groups")
    ]
    with copy_of(
        stage, tmp_path_factory.mktemp("full"), quotas.adjusted(dict.fromkeys(counts, 0))
    ) as client:
        yield client


@pytest.fixture(scope="session")
def used(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    """Everything as built, with the service's own quotas."""
    with copy_of(stage, tmp_path_factory.mktemp("used")) as client:
        yield client


@pytest.fixture(scope="session")
def robust(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    """Everything as built, for requests that may change anything."""
    with copy_of(stage, tmp_path_factory.mktemp("robust"), WITHOUT_QUOTAS) as client:
        yield client
