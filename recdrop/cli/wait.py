"""`recdrop wait`: until the stack is up and its runs have ended."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from recdrop.cli.common import RUN_FAILED, UNREACHABLE, CliError, json_option, print_json
from recdrop.cli.options import on_target, timeout_option
from recdrop.cli.runs import Run, Runs
from recdrop.cli.target import Target

LOOKED_AT = 20  # of the newest runs


@click.command(
    help="Wait until the stack is up and no run is going on. Exit code 5 when the last run failed."
)
@click.option("--group", help="Only the runs of this dataset group.")
@click.option("--run", "name", help="Only the run of this name.")
@timeout_option
@on_target
@json_option
def command(
    target: Target, group: str | None, name: str | None, timeout: float | None, as_json: bool
) -> int:
    """Wait for the stack, then for the runs."""
    timeout = target.run_seconds if timeout is None else timeout
    deadline = time.monotonic() + timeout
    target.wait_until_ready(timeout)
    listed = Runs(target)

    def ended() -> list[Run] | None:
        runs = [run for run in listed.newest(LOOKED_AT, group) if name in {None, run.name}]
        is_missing = name is not None and not runs
        if is_missing or any(run.status == "RUNNING" for run in runs):
            return None
        return runs

    message = f"a run is still going on after {timeout:.0f} s"
    runs = until(ended, deadline, target, message)
    # The newest comes first: how that one ended is the answer.
    return report(target, runs[:1], as_json)


def until(
    look: Callable[[], list[Run] | None], deadline: float, target: Target, message: str
) -> list[Run]:
    """Look until there is an answer.

    Raises:
        CliError: there is none when the time is over.
    """
    pauses = target.pauses()
    while (runs := target.patiently(look)) is None:
        if time.monotonic() > deadline:
            raise CliError(
                UNREACHABLE,
                f"Gave up: {message}.",
                f"See `recdrop runs{target.option}` and `recdrop logs{target.option}`.",
            )
        time.sleep(next(pauses))
    return runs


def report(target: Target, runs: list[Run], as_json: bool) -> int:
    """Say how they ended, and of those that failed why."""
    failed = [run.run for run in runs if run.status != "SUCCEEDED"]
    has_ledger = "LedgerTableName" in target.outputs
    records = {name: target.ledger.run(name) for name in failed} if has_ledger else {}
    reasons = {name: record.reason for name, record in records.items() if record and record.reason}
    if as_json:
        shown = ("name", "group", "status", "seconds")
        print_json(
            [
                {**{key: getattr(run, key) for key in shown}, "reason": reasons.get(run.run)}
                for run in runs
            ]
        )
    else:
        for run in runs:
            click.echo(f"{run.name}  {run.group}  {run.status}  {run.seconds:.1f} s")
            if reason := reasons.get(run.run):
                click.echo(f"  {reason}")
    return 0 if all(run.status == "SUCCEEDED" for run in runs) else RUN_FAILED
