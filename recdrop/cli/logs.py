"""`recdrop logs`: what the Lambdas logged, by function, run and text."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode

import click

from recdrop.cli.common import call, endpoint_option, find_endpoint, json_option
from recdrop.local.lambdas.logs import Line, pretty

FOLLOW_SECONDS = 0.5


@click.command(help="Print what the Lambdas logged.")
@click.option("--function", default="", help="Only functions whose name contains this.")
@click.option(
    "--run", "contains", default="", help="Only lines that contain this: a run, a group, any text."
)
@click.option("-n", "--lines", default=100, show_default=True, type=click.IntRange(1, 50_000))
@click.option("-f", "--follow", is_flag=True, help="Go on printing new lines.")
@endpoint_option
@json_option
def command(
    function: str, contains: str, lines: int, follow: bool, endpoint_url: str | None, as_json: bool
) -> int:
    """Print the newest lines, then new ones if asked to."""
    endpoint = find_endpoint(endpoint_url)
    wanted = {"function": function, "contains": contains, "limit": lines}
    number = 0
    while True:
        query = urlencode({**wanted, "after": number})
        for line in call(endpoint, f"GET logs?{query}")["lines"]:
            number = line["number"]
            click.echo(json.dumps(line) if as_json else pretty(Line(**line)))
        if not follow:
            return 0
        time.sleep(FOLLOW_SECONDS)
