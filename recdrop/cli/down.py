"""`recdrop down`: stops the stack that listens on the port, and waits until it has."""

from __future__ import annotations

import time

import click

from recdrop.cli.common import (
    UNREACHABLE,
    CliError,
    call,
    endpoint_option,
    find_endpoint,
    json_option,
    print_json,
)


@click.command(help="Stop the local AWS that listens on the port.")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds to wait for it.")
@endpoint_option
@json_option
def command(timeout: float, endpoint_url: str | None, as_json: bool) -> int:
    """Ask it to stop; done when nobody answers any more."""
    endpoint = find_endpoint(endpoint_url)
    call(endpoint, "POST stop")
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            call(endpoint, "GET health", timeout=1)
        except CliError:
            print_json({"stopped": endpoint}) if as_json else click.echo(f"Stopped {endpoint}")
            return 0
        time.sleep(0.1)
    raise CliError(UNREACHABLE, f"{endpoint} still answers after {timeout:.0f} s.")
