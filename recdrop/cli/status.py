"""`recdrop status`: what runs where."""

from __future__ import annotations

import click

from recdrop.cli.common import describe, endpoint_option, find_endpoint, json_option, print_json


@click.command(help="Say what runs where.")
@endpoint_option
@json_option
def command(endpoint_url: str | None, as_json: bool) -> int:
    """Print the stack's own description."""
    stack = describe(find_endpoint(endpoint_url))
    if as_json:
        print_json(stack)
        return 0
    click.echo(f"recdrop is up: AWS {stack['aws_url']}, API {stack['api_url']}")
    click.echo(
        f"data: {stack['data_dir'] or 'not kept'}; waits {stack['time_scale']:g} times shorter"
    )
    for name, value in sorted({**stack["outputs"], **stack["api_keys"]}.items()):
        click.echo(f"  {name:20} {value}")
    return 0
