"""A real local Personalize on a port, over moto's S3, shared by the tests of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from recdrop.personalize.control.quotas import load_quotas
from recdrop.personalize.server import PersonalizeServer
from recdrop.service.http.hosting import hosted
from tests.recdrop.personalize.driving import Aws, Group, make_group
from tests.recdrop.personalize.simulation import Simulation


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    from recdrop.local.aws.motoserver import (
        MotoApp,
    )  # late: importing moto takes a second that most tests here do not need

    with hosted(MotoApp(threading.RLock())) as url:
        yield url


@pytest.fixture(scope="session")
def shared_app(
    s3_endpoint: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PersonalizeServer]:
    quotas = load_quotas().adjusted(
        {"dataset_groups": 20, "campaigns_per_group": 20, "incremental_import_bytes": 300_000}
    )
    app = PersonalizeServer(
        tmp_path_factory.mktemp("personalize"),
        s3_endpoint=s3_endpoint,
        latency="instant",
        training_seconds=1,
        slots=1,
        quotas=quotas,
    )
    yield app
    app.close()


@pytest.fixture(scope="session")
def shared_aws(shared_app: PersonalizeServer, s3_endpoint: str) -> Iterator[Aws]:
    with hosted(shared_app) as url:
        aws = Aws(url, s3_endpoint)
        aws.s3.create_bucket(Bucket="data")
        yield aws


@pytest.fixture(scope="module")
def aws(shared_aws: Aws) -> Aws:
    """With its bucket, which another module of this process may have swept away: moto's state is
    global.
    """
    shared_aws.s3.create_bucket(Bucket="data")
    return shared_aws


@pytest.fixture(scope="session")
def group(shared_aws: Aws) -> Group:
    """Interactions, items and users, imported once for all who ask."""
    shared_aws.s3.create_bucket(Bucket="data")  # see `aws`, which comes after this
    return make_group(shared_aws, "shop")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "personalize"


@pytest.fixture
def sim(data_dir: Path) -> Iterator[Simulation]:
    simulation = Simulation(data_dir)
    yield simulation
    simulation.close()
