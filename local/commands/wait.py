"""`recdrop wait`: until the stack is up and its runs have ended."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from local.commands.common import (
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
from local.commands.runs import Run, list_runs

LOOK_SECONDS = 0.3


@click.command(help="Wait until the stack is up and no run is going on. Exit code 5 when the last run failed.")
@click.option("--group", help="Only the runs of this dataset group.")
@click.option("--run", "name", help="Only the run of this name.")
@click.option("--timeout", default=900.0, show_default=True, help="Seconds to wait.")
@endpoint_option
@json_option
def command(group: str | None, name: str | None, timeout: float, endpoint_url: str | None, as_json: bool) -> int:
    """Wait for the stack, then for the runs."""
    deadline = time.monotonic() + timeout
    endpoint = find_endpoint(endpoint_url)
    stack = wait_for_stack(endpoint, deadline)
    client = boto_client(endpoint, "stepfunctions")

    def ended() -> list[Run] | None:
        runs = [run for run in list_runs(client, machine_arn(stack), group) if name in {None, run.name}]
        if (name and not runs) or any(run.status == "RUNNING" for run in runs):
            return None
        return runs

    return report(until(ended, deadline, f"a run is still going on after {timeout:.0f} s")[:1], as_json)


def wait_for_stack(endpoint: str, deadline: float) -> Json:
    """The stack's description once it is ready."""
    while True:
        try:
            return describe(endpoint)
        except CliError:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_SECONDS)


def wait_for_new_run(endpoint: str, stack: Json, group: str, timeout: float, as_json: bool) -> int:
    """Wait for the newest run of the group to end, giving a new one time to begin."""
    client = boto_client(endpoint, "stepfunctions")
    machine = machine_arn(stack)
    began = time.time()

    def ended() -> list[Run] | None:
        runs = list_runs(client, machine, group, 1)
        fresh = [run for run in runs if run.started.timestamp() >= began - 5]
        return fresh if fresh and all(run.status != "RUNNING" for run in fresh) else None

    message = f"no run of {group!r} has begun and ended in {timeout:.0f} s"
    return report(until(ended, time.monotonic() + timeout, message), as_json)


def until(look: Callable[[], list[Run] | None], deadline: float, message: str) -> list[Run]:
    """Look until there is an answer."""
    while (runs := look()) is None:
        if time.monotonic() > deadline:
            raise CliError(UNREACHABLE, f"Gave up: {message}.", "See `recdrop runs` and `recdrop logs`.")
        time.sleep(LOOK_SECONDS)
    return runs


def report(runs: list[Run], as_json: bool) -> int:
    """Say how they ended."""
    if as_json:
        print_json([{"name": run.name, "group": run.group, "status": run.status, "seconds": run.seconds} for run in runs])
    for run in runs if not as_json else []:
        click.echo(f"{run.name}  {run.group}  {run.status}  {run.seconds:.1f} s")
    return 0 if all(run.status == "SUCCEEDED" for run in runs) else RUN_FAILED
