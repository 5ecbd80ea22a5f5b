"""Fixtures for tests of your own application of Amazon Personalize.

pytest finds them by itself once recdrop is installed. Nothing is imported before a test asks.

    personalize           a service of the test's own, to which boto3 is led
    personalize_session   one that all tests share
    personalize_clients   its boto3 clients: control, runtime, events, s3, iam
    trained_campaign      a campaign in `personalize` that answers at once

    @pytest.mark.personalize(latency="realistic", speed=1000, strict=True)
    @pytest.mark.personalize_faults({"operation": "CreateCampaign", "fault": "job"})
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from recdrop.testing.campaign import TrainedCampaign
    from recdrop.testing.service import Service

MARKERS = (
    "personalize(**options): how the local Personalize of this test runs (latency, speed, strict, ...)",
    "personalize_faults(*rules): what goes wrong in the local Personalize of this test",
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@dataclass(frozen=True)
class Clients:
    """boto3 clients of one service, made when they are asked for."""

    service: Service

    @cached_property
    def control(self) -> Any:
        """Of `personalize`."""
        return self.service.client("personalize")

    @cached_property
    def runtime(self) -> Any:
        """Of `personalize-runtime`."""
        return self.service.client("personalize-runtime")

    @cached_property
    def events(self) -> Any:
        """Of `personalize-events`."""
        return self.service.client("personalize-events")

    @cached_property
    def s3(self) -> Any:
        """Of S3, where imports and batch jobs read and write."""
        return self.service.client("s3")

    @cached_property
    def iam(self) -> Any:
        """Of IAM."""
        return self.service.client("iam")


@pytest.fixture(scope="session")
def personalize_options() -> dict[str, Any]:
    """How the services run; override it in your conftest.py."""
    return {}


@pytest.fixture
def personalize(
    request: pytest.FixtureRequest, personalize_options: dict[str, Any]
) -> Iterator[Service]:
    """A service of this test's own. boto3, and every SDK that reads the environment, is led there."""
    from recdrop.testing.mocking import Mock

    options = dict(personalize_options)
    for marker in reversed(list(request.node.iter_markers("personalize"))):
        options |= marker.kwargs
    with Mock(**options) as service:
        rules = [
            rule
            for marker in request.node.iter_markers("personalize_faults")
            for rule in marker.args
        ]
        service.plan_faults(*rules)
        yield service


@pytest.fixture(scope="session")
def personalize_session(personalize_options: dict[str, Any]) -> Iterator[Service]:
    """A service that all tests share, for what takes long to prepare."""
    from recdrop.testing.mocking import Mock

    with Mock(**personalize_options) as service:
        yield service


@pytest.fixture
def personalize_clients(personalize: Service) -> Clients:
    """boto3 clients of `personalize`."""
    return Clients(personalize)


@pytest.fixture(scope="session")
def personalize_snapshot(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """The file that `trained_campaign` is loaded from: trained once, and kept in pytest's cache."""
    from recdrop.testing.campaign import snapshot

    cache: Any = getattr(request.config, "cache", None)
    folder: Path = cache.mkdir("recdrop") if cache else tmp_path_factory.mktemp("recdrop")
    return snapshot(folder)


@pytest.fixture
def trained_campaign(personalize: Service, personalize_snapshot: bytes) -> TrainedCampaign:
    """An ACTIVE campaign on a tiny shop in `personalize`, with a filter and an event tracker."""
    from recdrop.testing.campaign import loaded

    return loaded(personalize, personalize_snapshot)
