"""`make test-stepfunctions-local`: the workflow tests against AWS Step Functions Local.

The container interprets the very definitions that deploy; it calls our Lambda host
(LAMBDA_ENDPOINT). The tests learn of it by two variables: STEPFUNCTIONS_ENDPOINT, and
STEPFUNCTIONS_LAMBDA_PORT, the port their stack listens on. Without a Docker that runs, this skips
with the reason and exits 0.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

from recdrop.local.aws.clients import FAKE_KEY
from recdrop.local.aws.identity import ACCOUNT, HOST, REGION

IMAGE = "amazon/aws-stepfunctions-local:latest"
PORT_INSIDE = 8083
TESTS = ("tests/workflow",)
START_SECONDS = 60.0
ON_LINUX = sys.platform.startswith("linux")
Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class SkippedError(Exception):
    """There is nothing to test against; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the container, run pytest with the arguments, remove the container."""
    chosen = list(sys.argv[1:] if arguments is None else arguments) or list(TESTS)
    try:
        lambda_port = free_port()
        container, endpoint = start_container(lambda_port, run)
    except SkippedError as reason:
        print(f"skipped: {reason}")
        return 0
    try:
        wait_for(endpoint)
        variables = {
            "STEPFUNCTIONS_ENDPOINT": endpoint,
            "STEPFUNCTIONS_LAMBDA_PORT": str(lambda_port),
        }
        return subprocess.run(
            [sys.executable, "-m", "pytest", *chosen], env={**os.environ, **variables}
        ).returncode
    finally:
        run(["docker", "rm", "--force", container])


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it says."""
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def start_container(
    lambda_port: int, run: Runner, has: Callable[[str], str | None] = shutil.which
) -> tuple[str, str]:
    """Start the container: its id and its endpoint.

    Raises:
        SkippedError: Docker is missing, stopped, or cannot fetch the image.
        RuntimeError: Docker runs, and refuses the container.
    """
    if has("docker") is None:
        raise SkippedError(
            "there is no `docker` on the PATH. Expected Docker, to run AWS Step Functions Local."
        )
    if (asked := run(["docker", "info"])).returncode:
        raise SkippedError(f"Docker does not run: {last_line(asked.stderr)}")
    is_missing = run(["docker", "image", "inspect", IMAGE]).returncode
    if is_missing and (pulled := run(["docker", "pull", IMAGE])).returncode:
        why = last_line(pulled.stderr)
        raise SkippedError(f"the image {IMAGE} is not here and cannot be pulled: {why}")
    port = PORT_INSIDE if ON_LINUX else free_port()
    started = run(container_command(port, lambda_port))
    if started.returncode:
        raise RuntimeError(f"docker run failed: {started.stderr.strip()}")
    return started.stdout.strip(), f"http://{HOST}:{port}"


def container_command(port: int, lambda_port: int) -> list[str]:
    """`docker run`.

    On Linux in the host's network, where our Lambda host listens on 127.0.0.1 alone.
    """
    # Elsewhere the container has a network of its own, and Docker's name for this machine.
    network = ["--network", "host"] if ON_LINUX else ["--publish", f"{HOST}:{port}:{PORT_INSIDE}"]
    variables = {
        "LAMBDA_ENDPOINT": f"http://{HOST if ON_LINUX else 'host.docker.internal'}:{lambda_port}",
        "AWS_ACCOUNT_ID": ACCOUNT,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": FAKE_KEY,
        "AWS_SECRET_ACCESS_KEY": FAKE_KEY,
        "WAIT_TIME_SCALE": "0.01",
    }
    settings = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    return ["docker", "run", "--detach", "--rm", *network, *settings, IMAGE]


def last_line(text: str) -> str:
    """The last line of an error, where Docker says what matters."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def wait_for(endpoint: str) -> None:
    """Wait until something answers there.

    Raises:
        TimeoutError: nothing does.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(endpoint, timeout=2).close()  # noqa: S310
        except urllib.error.HTTPError:  # refused, so it runs
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Nothing answers at {endpoint} after {START_SECONDS:.0f} s."
                ) from error
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
