"""`recdrop runs`: the runs as Step Functions has them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from recdrop.cli.common import (
    USAGE,
    CliError,
    boto_client,
    describe,
    endpoint_option,
    find_endpoint,
    json_option,
    machine_arn,
    print_json,
    table,
)

COLOURS = {
    "SUCCEEDED": "green",
    "FAILED": "red",
    "ABORTED": "red",
    "TIMED_OUT": "red",
    "RUNNING": "yellow",
}


@dataclass(frozen=True)
class Run:
    """One execution of the pipeline. `name` is the execution's, `run` what the pipeline calls it."""

    name: str
    run: str
    group: str
    status: str
    started: dt.datetime
    seconds: float
    arn: str


@dataclass(frozen=True)
class State:
    """One visit of a state; `seconds` is None while it lasts."""

    name: str
    seconds: float | None


@click.command(help="List the newest runs, or show the states of run NAME.")
@click.argument("name", required=False)
@click.option("--group", help="Only the runs of this dataset group.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@endpoint_option
@json_option
def command(
    name: str | None, group: str | None, limit: int, endpoint_url: str | None, as_json: bool
) -> int:
    """Print a table or one run."""
    endpoint = find_endpoint(endpoint_url)
    stack = describe(endpoint)
    client = boto_client(endpoint, "stepfunctions")
    runs = list_runs(client, machine_arn(stack), group, 1000 if name else limit)
    if name is not None:
        return show_run(client, find_run(runs, name), as_json)
    if as_json:
        print_json([asdict(run) for run in runs])
    elif not runs:
        click.echo(
            "No runs yet. Drop a file: recdrop drop FILE --group shop --dataset interactions"
        )
    else:
        rows = [("RUN", "GROUP", "STATUS", "STARTED", "TOOK")]
        rows += [
            (r.name, r.group, r.status, f"{r.started:%Y-%m-%d %H:%M:%S}", f"{r.seconds:.1f} s")
            for r in runs
        ]
        click.echo(table(rows))
    return 0


def list_runs(client: Any, machine: str, group: str | None = None, limit: int = 20) -> list[Run]:
    """The newest runs first."""
    runs: list[Run] = []
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for entry in page["executions"]:
            run = to_run(client, entry)
            if group in {None, run.group}:
                runs.append(run)
            if len(runs) == limit:
                return runs
    return runs


def to_run(client: Any, entry: dict[str, Any]) -> Run:
    """A run; its group and the pipeline's name of it are in its input alone."""
    described = client.describe_execution(executionArn=entry["executionArn"])
    given = json.loads(described["input"])
    ended = entry.get("stopDate") or described.get("stopDate") or dt.datetime.now(dt.UTC)
    return Run(
        name=entry["name"],
        run=str(given.get("run", "")),
        group=str(given.get("group", "")),
        status=entry["status"],
        started=entry["startDate"],
        seconds=round((ended - entry["startDate"]).total_seconds(), 3),
        arn=entry["executionArn"],
    )


def find_run(runs: list[Run], name: str) -> Run:
    """The run with the name, or the only one whose name contains it.

    Raises:
        CliError: there is none, or there are several.
    """
    found = [run for run in runs if name == run.name] or [run for run in runs if name in run.name]
    if len(found) != 1:
        names = ", ".join(run.name for run in (found or runs)[:5]) or "(none)"
        raise CliError(USAGE, f"Run {name!r} names {len(found)} runs. Expected one of: {names}.")
    return found[0]


def show_run(client: Any, run: Run, as_json: bool) -> int:
    """The run's states in order, and how it ended."""
    states = list(read_states(client, run.arn))
    described = client.describe_execution(executionArn=run.arn)
    if as_json:
        more = {key: described.get(key) for key in ("input", "output", "error", "cause")}
        print_json({**asdict(run), "states": [asdict(state) for state in states], **more})
        return 0
    status = click.style(run.status, fg=COLOURS.get(run.status))
    click.echo(f"{run.name}  {run.group}  {status}  {run.seconds:.1f} s")
    for state in states:
        took = "..." if state.seconds is None else f"{state.seconds:6.2f} s"
        click.echo(f"  {took:>9}  {state.name}")
    if described.get("error"):
        click.echo(f"{described['error']}: {described.get('cause', '')}")
    return 0


def read_states(client: Any, arn: str) -> Iterator[State]:
    """The visits of states in the order of entering."""
    entered: list[tuple[str, dt.datetime]] = []
    took: dict[int, float] = {}
    for event in read_history(client, arn):
        if "stateEnteredEventDetails" in event:
            entered.append((event["stateEnteredEventDetails"]["name"], event["timestamp"]))
        elif "stateExitedEventDetails" in event:
            name = event["stateExitedEventDetails"]["name"]
            # In a Map a state is visited by several at once, and no event says which of them it
            # was that left: the first that came is taken for the first that goes.
            open_visits = (i for i, (n, _) in enumerate(entered) if n == name and i not in took)
            visit = next(open_visits, None)
            if visit is not None:
                took[visit] = (event["timestamp"] - entered[visit][1]).total_seconds()
    for index, (name, _) in enumerate(entered):
        yield State(name, took.get(index))


def read_history(client: Any, arn: str) -> Iterator[dict[str, Any]]:
    """The events of an execution, oldest first."""
    for page in client.get_paginator("get_execution_history").paginate(executionArn=arn):
        yield from page["events"]
