"""`recdrop wait`: until the stack is up and its runs have ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

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
        runs = [
            run for run in list_runs(client, machine_arn(stack), group) if name in {None, run.name}
        ]
        if (name and not runs) or any(run.status == "RUNNING" for run in runs):
            return None
        return runs

    return report(
        until(ended, deadline, f"a run is still going on after {timeout:.0f} s")[:1], as_json
    )


def wait_for_stack(endpoint: str, deadline: float) -> Json:
    """The stack's description once it is ready."""
    while True:
        try:
            return describe(endpoint)
        except CliError:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_SECONDS)


def wait_for_new_run(
    endpoint: str, stack: Json, group: str, since: float, timeout: float, as_json: bool
) -> int:
    """Wait for the run that began after `since` to end; none begins for content that has run
    before.
    """
    client, sqs = boto_client(endpoint, "stepfunctions"), boto_client(endpoint, "sqs")
    machine = machine_arn(stack)
    empty_since: list[float] = []

    def ended() -> list[Run] | None:
        runs = list_runs(client, machine, group, 1)
        fresh = [run for run in runs if run.started.timestamp() >= since]
        if fresh:
            return fresh if fresh[0].status != "RUNNING" else None
        if count_messages(sqs, stack["queues"]):
            empty_since.clear()
        else:
            empty_since.append(time.monotonic())
        return [] if empty_since and empty_since[-1] - empty_since[0] > SETTLED_SECONDS else None

    message = f"no run of {group!r} has begun and ended in {timeout:.0f} s"
    runs = until(ended, time.monotonic() + timeout, message)
    if not runs and not as_json:
        click.echo(
            "No run has begun: the content has run before, was refused, or is not complete. See `recdrop logs`."
        )
    return report(runs, as_json)


def count_messages(sqs: Any, queues: list[str]) -> int:
    """Messages that are waiting, delayed or at work."""
    total = 0
    for queue in queues:
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        total += sum(
            int(value)
            for name, value in found.items()
            if name.startswith("ApproximateNumberOfMessages")
        )
    return total


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
        print_json(
            [
                {"name": run.name, "group": run.group, "status": run.status, "seconds": run.seconds}
                for run in runs
            ]
        )
    for run in runs if not as_json else []:
        click.echo(f"{run.name}  {run.group}  {run.status}  {run.seconds:.1f} s")
    return 0 if all(run.status == "SUCCEEDED" for run in runs) else RUN_FAILED
