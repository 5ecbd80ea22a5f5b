"""`recdrop efcheck`: is a URL an external function as Snowflake wants it?"""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import asdict
from typing import Any

import click

from recdrop.cli.common import FINDINGS, UNREACHABLE, CliError, json_option, print_json


@click.command(
    help="Check the external function at URL against Snowflake's protocol: batches, gzip, order, malformed "
    "bodies, retries, polling. Sends real batches of --row. Exit code 1: a rule is broken."
)
@click.argument("url")
@click.option("--row", default='["u1", 3, null]', show_default=True, help="A good row's arguments.")
@click.option("--rows", default=200, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Sent with all.")
@click.option("--sign", "region", help="Sign with your AWS credentials for API Gateway in REGION.")
@json_option
def command(
    url: str,
    row: str,
    rows: int,
    headers: tuple[str, ...],
    region: str | None,
    as_json: bool,
) -> int:
    """Check, and print what is wrong, with the request and the answer."""
    from recdrop.efcheck.checks import Asker, run
    from recdrop.efcheck.wire import Client, UnreachableError, signer

    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.UsageError(f"URL has value {url!r}. Expected http(s)://host/path.")
    arguments, sent = _arguments(row), dict(_header(header) for header in headers)
    try:
        client = Client(url, sent, signer(region) if region else None)
        findings = run(Asker(client, arguments, rows))
    except UnreachableError as error:
        raise CliError(UNREACHABLE, str(error)) from error
    broken = [finding for finding in findings if finding.problem]
    if as_json:
        print_json({"url": url, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{'FAIL' if finding.problem else 'ok  '}  {finding.name}  {finding.rule}")
            if finding.problem:
                click.echo(f"      {finding.problem}")
                for said in finding.said[-1:]:
                    click.echo(f"      asked    {said['request']}")
                    click.echo(
                        f"      answered {said['answer']['status']} {said['answer']['body']}"
                    )
        click.echo(f"{len(findings) - len(broken)} of {len(findings)} checks pass.")
    return FINDINGS if broken else 0


def _arguments(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise click.UsageError(f"Option '--row' has value {text!r}. Expected a JSON array.")
    return found


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.UsageError(f"Option '--header' has value {text!r}. Expected NAME:VALUE.")
    return name.strip(), value.strip()
