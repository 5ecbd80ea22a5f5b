"""`make rehearse`: every step ends as at AWS, and what it cannot check is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure.rehearse import (
    Properties,
    RehearsalError,
    not_read,
    package_resources,
    rehearse,
    step,
)
from recdrop.local.stack import Stack as LocalAws


def test_the_package_is_made_changed_made_again_and_taken_down(
    aws: LocalAws, package_folder: Path
) -> None:
    said: list[str] = []
    unread = rehearse(aws, package_folder / "sam.json", said.append)
    assert [line for line in said if not line.startswith(" ")] == [
        "made: changed the stack",
        "changed: changed the stack",
        "deployed again: found nothing to change",
        "deployed as at first: changed the stack",
        "taken down",
    ]
    assert "VersioningConfiguration" in unread["AWS::S3::Bucket"]
    assert "Throttle" in unread["AWS::ApiGateway::UsagePlan"]  # no model at all: every property
    assert "AWS::SQS::Queue" not in unread  # every property was looked at
    every = package_resources(package_folder / "sam.json")
    assert unread.keys() <= {resource["Type"] for resource in every.values()}


def test_a_step_that_ends_otherwise_is_an_error() -> None:
    with pytest.raises(RehearsalError, match="'again' changed the stack"):
        step(print, "again", changed=True, expected=False)


def test_what_is_looked_at_is_noted() -> None:
    read: set[str] = set()
    properties = Properties({"A": 1, "B": 2, "C": 3}, read)
    assert (properties["A"], properties.get("B"), "C" in properties) == (1, 2, True)
    assert read == {"A", "B"}
    resources = {"X": {"Type": "T", "Properties": dict.fromkeys("ABC")}}
    assert not_read(resources, {"T": read}) == {"T": ["C"]}
    assert dict(**properties) == {"A": 1, "B": 2, "C": 3}
    assert read == {"A", "B", "C"}
