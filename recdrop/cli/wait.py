"""`recdrop wait`: until the stack is up and its runs have ended."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from recdrop.cli.common import (
    RUN_FAILED,
    UNREACHABLE,
    CliError,
    Json,
    boto_client,
    describe,
    endpoint_option,
    find_endpoint,
    json_option,
    machine_arn,
    print_json,
)
from recdrop.cli.runs import Run, list_runs

LOOK_SECONDS = 0.3
SETTLED_SECONDS = 2.0


@click.command(
    help="Wait until the stack is up and no run is going on. Exit code 5 when the last run failed."
)
@click.option("--group", help="Only the runs of this dataset group.")
@click.option("--run", "name", help="Only the run of this name.")
@click.option("--timeout", default=900.0, show_default=True, help="Seconds to wait.")
@endpoint_option
@json_option
def command(
    group: str | None, name: str | None, timeout: float, endpoint_url: str | None, as_json: bool
) -> int:
    """Wait for the stack, then for the runs."""
    deadline = time.monotonic() + timeout
    endpoint = find_endpoint(endpoint_url)
    stack = wait_for_stack(endpoint, deadline)
    client = boto_client(endpoint, "stepfunctions")

    def ended() -> list[Run] | None:
        listed = list_runs(client, machine_arn(stack), group)
        runs = [run for run in listed if name in {None, run.name}]
        is_missing = name is not None and not runs
        if is_missing or any(run.status == "RUNNING" for run in runs):
            return None
        return runs

    runs = until(ended, deadline, f"a run is still going on after {timeout:.0f} s")
    # The newest comes first: how that one ended is the answer.
    return report(runs[:1], as_json)


def wait_for_stack(endpoint: str, deadline: float) -> Json:
    """The stack's description once it is ready.

    Raises:
        CliError: it is not, when the time is over.
    """
    while True:
        try:
            return describe(endpoint)
        except CliError:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_SECONDS)


def until(look: Callable[[], list[Run] | None], deadline: float, message: str) -> list[Run]:
    """Look until there is an answer."""
    while (runs := look()) is None:
        if time.monotonic() > deadline:
            raise CliError(
                UNREACHABLE, f"Gave up: {message}.", "See `recdrop runs` and `recdrop logs`."
            )
        time.sleep(LOOK_SECONDS)
    return runs


def report(runs: list[Run], as_json: bool) -> int:
    """Say how they ended."""
    if as_json:
        shown = ("name", "group", "status", "seconds")
        print_json([{key: getattr(run, key) for key in shown} for run in runs])
    else:
        for run in runs:
            click.echo(f"{run.name}  {run.group}  {run.status}  {run.seconds:.1f} s")
    return 0 if all(run.status == "SUCCEEDED" for run in runs) else RUN_FAILED
