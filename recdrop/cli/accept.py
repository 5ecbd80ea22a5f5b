"""`recdrop accept`: let an export through that is held because it would lose data."""

from __future__ import annotations

import click

from recdrop.cli.common import USAGE, CliError, json_option, print_json
from recdrop.cli.options import on_target
from recdrop.cli.report import run_of
from recdrop.cli.target import Target


@click.command(
    help="Let the held export of run NAME through, or of the newest run of group NAME. It runs again "
    "and takes the place of what the group has."
)
@click.argument("name")
@on_target
@json_option
def command(target: Target, name: str, as_json: bool) -> int:
    """Start the accepted export's run."""
    from chalicelib.errors import NotHeld
    from chalicelib.executions import StateMachine
    from chalicelib.intake.accepting import Desk, accept

    held = run_of(target, name)
    machine = StateMachine(target.client("stepfunctions"), target.machine)
    try:
        run = accept(Desk(target.ledger, target.work, machine), held.group, held.run)
    except NotHeld as error:
        raise CliError(USAGE, str(error), f"See recdrop report {name}{target.option}") from error
    if as_json:
        print_json({"run": run, "group": held.group, "accepted": held.run})
    else:
        click.echo(f"Run {run} of {held.group} has begun: recdrop wait --group {held.group}")
    return 0
