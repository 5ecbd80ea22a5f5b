"""`recdrop destroy`: a dataset group is taken down, with all that the runs made for it.

What was dropped stays, and so do reports: they cost nothing. Deleting takes its time, and what is gone is
gone: a command that was interrupted goes on when it is given again.
"""

from __future__ import annotations

import time

import click

from recdrop.cli.common import FINDINGS, USAGE, CliError, json_option, print_json
from recdrop.cli.options import on_target
from recdrop.cli.removing import POLL_SECONDS, delete_resources, find_resources
from recdrop.cli.runs import SEARCHED, Runs
from recdrop.cli.target import Target


@click.command(
    help="Delete dataset group GROUP: its campaigns, solutions, filters, tracker, datasets and schemas "
    "in Personalize, and what the API knows of it. Files of the drop bucket stay."
)
@click.argument("group")
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_target
@json_option
def command(target: Target, group: str, yes: bool, as_json: bool) -> int:
    """Say what goes, ask, delete."""
    check_idle(target, group)
    personalize = target.client("personalize")
    found = tuple(find_resources(personalize, [group]))
    if not found and group not in target.ledger.groups():
        known = ", ".join(target.ledger.groups()) or "none"
        raise CliError(FINDINGS, f"There is no group {group!r}. Known groups: {known}.")
    if not as_json:
        click.echo(f"Group {group}: {len(found)} resources of Personalize")
        for resource in found:
            click.echo(f"  {resource.kind} {resource.name}")
    if not yes:
        click.confirm("Delete all of it?", abort=True, err=True)
    say = (lambda _: None) if as_json else click.echo
    # The API first: it must not answer from what is going.
    target.ledger.forget_group(group)
    delete_resources(personalize, found, say, time.sleep, min(POLL_SECONDS, next(target.pauses())))
    if as_json:
        print_json({"group": group, "deleted": [vars(resource) for resource in found]})
    else:
        click.echo(f"Group {group} is gone. What lies in s3://{target.drop_bucket}/{group}/ stays:")
        click.echo("a file that is dropped there begins the group anew.")
    return 0


def check_idle(target: Target, group: str) -> None:
    """Nothing is taken from under a run.

    Raises:
        CliError: one of the group is going on.
    """
    newest = Runs(target).newest(SEARCHED, group)
    if going := [run.name for run in newest if run.status == "RUNNING"]:
        raise CliError(
            USAGE,
            f"Run {going[0]!r} of group {group!r} is going on.",
            f"Wait for it first: recdrop wait --group {group}{target.option}",
        )
