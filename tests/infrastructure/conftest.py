"""A package, built once, and the local CloudFormation that it is deployed to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure import package
from recdrop.local.stack import Stack as LocalAws
from tests.recdrop.conftest import SAMPLE


@pytest.fixture(scope="session")
def package_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that `make package` writes."""
    return package.build(tmp_path_factory.mktemp("package") / "package").parent


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """A local AWS with the sample application, and nothing of recdrop's own."""
    with LocalAws(SAMPLE) as running:
        yield running
