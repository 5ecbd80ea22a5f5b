"""`recdrop plan`: what a config would make, change and retire of a dataset group, and what it costs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recdrop.cli.common import CONFIG, FINDINGS, UNREADABLE, CliError, json_option, print_json
from recdrop.cli.options import on_target
from recdrop.cli.planning import Plan, plan, read_live
from recdrop.cli.target import Target

if TYPE_CHECKING:
    from chalicelib.config.sections import Config

config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    help="A recdrop.toml on this disk. [default: the group's own]",
)


@click.command(
    help="Say what would be made (+), changed (~) and retired (-) of dataset group GROUP, and what "
    "cannot be done (!), to make it what its config says."
)
@click.argument("group")
@config_option
@on_target
@json_option
def command(target: Target, group: str, path: Path | None, as_json: bool) -> int:
    """Read the config and the group; print the differences."""
    found = plan_of(target, group, path)
    if as_json:
        changes = [{**asdict(change)} for change in found.changes]
        print_json({"group": group, "changes": changes, "dollars_a_month": round(found.monthly, 2)})
    else:
        show(group, found)
    return FINDINGS if any(change.action == "refuse" for change in found.changes) else 0


def plan_of(target: Target, group: str, path: Path | None) -> Plan:
    """How the group differs from the config of `path`, or from its own.

    Raises:
        CliError: there is no stack, or the config cannot be used.
    """
    own = target.drop.read_if_there(f"{group}/{CONFIG}")  # first: is there a stack at all?
    config = load(own if path is None else read(path), group)
    return plan(group, config, read_live(target.client("personalize"), group))


def show(group: str, found: Plan) -> None:
    """A line a change."""
    for change in found.changes:
        click.echo(str(change))
    if not found.changes:
        click.echo(f"Group {group} is what its config says.")
    click.echo(
        f"What serves costs {found.monthly:,.0f} dollars in 30 days at its minimum, asked or not."
    )


def read(path: Path) -> bytes:
    """The given file.

    Raises:
        CliError: there is no such file.
    """
    if not path.is_file():
        raise CliError(UNREADABLE, f"No file {str(path)!r}.")
    return path.read_bytes()


def load(body: bytes | None, group: str) -> Config:
    """A config that holds; without one, the default.

    Raises:
        CliError: it does not, and why.
    """
    from chalicelib.config import loading

    try:
        return loading.load((body or b"").decode("utf-8-sig", errors="replace"), group)
    except loading.ConfigError as error:
        raise CliError(UNREADABLE, str(error)) from error
