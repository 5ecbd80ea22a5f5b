"""`recdrop fault`: plans the failure of a Lambda, to see retries and catches at work."""

from __future__ import annotations

import click

from recdrop.cli.common import call, endpoint_option, find_endpoint, json_option, print_json


@click.command(
    help="Let the next invocations of FUNCTION fail. Without FUNCTION: list what is planned."
)
@click.argument("function", required=False)
@click.option(
    "--when",
    type=click.Choice(["before", "after", "throttle"]),
    default="before",
    show_default=True,
    help="Killed before its work, killed when the work is done, or refused with 429.",
)
@click.option(
    "--error", default="Lambda.Unknown", show_default=True, help="What Step Functions sees."
)
@click.option("--times", default=1, show_default=True, type=click.IntRange(1))
@click.option("--clear", is_flag=True, help="Forget all planned faults.")
@endpoint_option
@json_option
def command(
    function: str | None,
    when: str,
    error: str,
    times: int,
    clear: bool,
    endpoint_url: str | None,
    as_json: bool,
) -> int:
    """Plan, list or clear."""
    endpoint = find_endpoint(endpoint_url)
    if clear:
        call(endpoint, "DELETE faults")
    if function:
        fault = {"function": function, "when": when, "error": error, "times": times}
        call(endpoint, "POST faults", fault)
    planned = call(endpoint, "GET faults")["faults"]
    if as_json:
        print_json(planned)
        return 0
    for fault in planned:
        click.echo(f"{fault['function']}: {fault['error']} {fault['when']}, {fault['times']} times")
    if not planned:
        click.echo("No faults are planned.")
    return 0
