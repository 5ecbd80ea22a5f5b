"""`recdrop runs`: the runs as Step Functions has them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import click

from recdrop.cli.common import USAGE, CliError, json_option, print_json, table
from recdrop.cli.options import on_target
from recdrop.cli.target import Target

SEARCHED = 1000  # executions that a part of a name is looked for in
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
@on_target
@json_option
def command(target: Target, name: str | None, group: str | None, limit: int, as_json: bool) -> int:
    """Print a table or one run."""
    runs = Runs(target)
    if name is not None:
        return show_run(target.client("stepfunctions"), runs.find(name), as_json)
    found = runs.newest(limit, group)
    if as_json:
        print_json([asdict(run) for run in found])
    elif not found:
        click.echo(
            "No runs yet. Drop a file:"
            f" recdrop drop FILE --group shop --dataset interactions{target.option}"
        )
    else:
        click.echo(list_of(found))
    return 0


def list_of(runs: Iterable[Run]) -> str:
    """A table of runs, a line each."""
    rows = [("RUN", "GROUP", "STATUS", "STARTED", "TOOK")]
    rows += [
        (r.name, r.group, r.status, f"{r.started:%Y-%m-%d %H:%M:%S}", f"{r.seconds:.1f} s")
        for r in runs
    ]
    return table(rows)


class Runs:
    """The executions of the pipeline. What has ended is described once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._ended: dict[str, Run] = {}

    def newest(self, limit: int, group: str | None = None) -> list[Run]:
        """The newest first."""
        runs = (self._run(entry) for entry in islice(self._entries(), SEARCHED))
        of_group = (run for run in runs if group in {None, run.group})
        return list(islice(of_group, limit))

    def find(self, name: str) -> Run:
        """The run with the name, or the only one whose name contains it.

        Raises:
            CliError: there is none, or there are several.
        """
        entries = list(islice(self._entries(), SEARCHED))
        found = [entry for entry in entries if name == entry["name"]]
        found = found or [entry for entry in entries if name in entry["name"]]
        if len(found) != 1:
            names = ", ".join(entry["name"] for entry in (found or entries)[:5]) or "(none)"
            raise CliError(
                USAGE, f"Run {name!r} names {len(found)} runs. Expected one of: {names}."
            )
        return self._run(found[0])

    def newest_of(self, group: str) -> Run | None:
        """The group's newest run that has begun; None for what is no group's name."""
        runs = self._target.ledger.runs(group)
        begun = self.of(group, runs[-1:]) or self.of(group, runs)
        return next((begun[run] for run in reversed(runs) if run in begun), None)

    def of(self, group: str, wanted: Iterable[str]) -> dict[str, Run]:
        """The executions of a group's runs, by run; one that is not there has not begun."""
        from chalicelib import names

        left = {names.execution(group, run): run for run in wanted}
        found = {}
        for entry in self._entries():
            if not left:
                break
            if run := left.pop(entry["name"], ""):
                found[run] = self._run(entry)
        return found

    def _entries(self) -> Iterator[Mapping[str, Any]]:
        client = self._target.client("stepfunctions")
        pages = client.get_paginator("list_executions")
        for page in pages.paginate(stateMachineArn=self._target.machine):
            yield from page["executions"]

    def _run(self, entry: Mapping[str, Any]) -> Run:
        known = self._ended.get(entry["executionArn"])
        if known is not None and known.status == entry["status"]:
            return known
        run = to_run(self._target.client("stepfunctions"), entry)
        if run.status != "RUNNING":
            self._ended[run.arn] = run
        return run


def to_run(client: Any, entry: Mapping[str, Any]) -> Run:
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
