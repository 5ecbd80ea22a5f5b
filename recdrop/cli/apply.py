"""`recdrop apply`: a config is dropped, and the run that applies it is waited for."""

from __future__ import annotations

from pathlib import Path

import click

from recdrop.cli.common import CONFIG, FINDINGS, CliError, json_option
from recdrop.cli.drop import drop_and_wait
from recdrop.cli.options import on_target, timeout_option
from recdrop.cli.plan import plan_of, show
from recdrop.cli.target import Target


@click.command(
    help="Make dataset group GROUP what the config FILE says: drop it, and wait for the run that "
    "applies it. It is refused where the plan is."
)
@click.argument("group")
@click.option("--config", "path", required=True, type=click.Path(path_type=Path), help="FILE.")
@timeout_option
@on_target
@json_option
def command(target: Target, group: str, path: Path, timeout: float | None, as_json: bool) -> int:
    """Show the plan, drop the config, wait."""
    found = plan_of(target, group, path)
    if not as_json:
        show(group, found)
    for change in found.changes:
        if change.action == "refuse":
            told = f"{change.kind} {change.name}: {change.detail}"
            raise CliError(FINDINGS, f"Nothing was done. {told}.")
    seconds = target.run_seconds if timeout is None else timeout
    return drop_and_wait(target, group, [(f"{group}/{CONFIG}", path)], seconds, as_json)
