"""Without a Docker that runs, the tests against Step Functions Local are skipped, with the reason."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

from recdrop.local.stepfunctions_local import (
    IMAGE,
    SkippedError,
    container_command,
    start_container,
)

Done = subprocess.CompletedProcess[str]


class Docker:
    """Answers as Docker does; `failing` are the verbs that fail."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> Done:
        self.commands.append(command[1])
        failed = command[1] in self.failing
        return Done(
            list(command), int(failed), "id-1\n", f"noise\ncannot {command[1]}" if failed else ""
        )


def present(_name: str) -> str | None:
    """A program that is there."""
    return "/usr/bin/docker"


@pytest.mark.parametrize(
    ("docker", "reason"),
    [
        (Docker("info"), "Docker does not run: cannot info"),
        (Docker("image", "pull"), f"{IMAGE} is not here and cannot be pulled: cannot pull"),
    ],
)
def test_a_docker_that_cannot_is_a_reason_to_skip(docker: Docker, reason: str) -> None:
    with pytest.raises(SkippedError, match=reason):
        start_container(4566, docker, present)


def test_no_docker_is_a_reason_to_skip() -> None:
    with pytest.raises(SkippedError, match="no `docker` on the PATH"):
        start_container(4566, Docker(), lambda _name: None)


def test_a_present_image_is_started_at_once() -> None:
    docker = Docker()
    container, endpoint = start_container(4566, docker, present)
    assert (container, docker.commands) == ("id-1", ["info", "image", "run"])
    assert endpoint.startswith("http://127.0.0.1:")


def test_the_container_calls_our_lambda_host() -> None:
    command = container_command(8083, 4570)
    assert any(
        word.startswith("LAMBDA_ENDPOINT=http://") and word.endswith(":4570") for word in command
    )
    assert IMAGE in command
