"""`recdrop logs`: what the Lambdas logged, by function, run and text."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict

import click

from recdrop.cli.common import json_option
from recdrop.cli.logreading import Wanted
from recdrop.cli.options import on_target
from recdrop.cli.target import Target
from recdrop.local.lambdas.logs import pretty

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def read_duration(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> float | None:
    """The seconds of 30s, 10m, 2h or 1d."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise click.BadParameter(f"{text!r}. Expected 30s, 10m, 2h or 1d.")
    return float(int(found[1]) * UNITS[found[2]])


@click.command(help="Print what the Lambdas logged.")
@click.option("--function", default="", help="Only functions whose name contains this.")
@click.option(
    "--run", "contains", default="", help="Only lines that contain this: a run, a group, any text."
)
@click.option(
    "--since",
    callback=read_duration,
    help="Only lines of the last 30s, 10m, 2h or 1d. [default: all here, 1h at AWS]",
)
@click.option("-n", "--lines", default=100, show_default=True, type=click.IntRange(1, 50_000))
@click.option("-f", "--follow", is_flag=True, help="Go on printing new lines.")
@on_target
@json_option
def command(
    target: Target,
    function: str,
    contains: str,
    since: float | None,
    lines: int,
    follow: bool,
    as_json: bool,
) -> int:
    """Print the newest lines, then new ones if asked to."""
    log = target.open_log(Wanted(function, contains, lines, since))
    while True:
        for line in log.read():
            click.echo(json.dumps(asdict(line)) if as_json else pretty(line))
        if not follow:
            return 0
        time.sleep(target.follow_seconds)
