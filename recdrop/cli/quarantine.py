"""`recdrop quarantine`: what was refused of a run's export, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from recdrop.cli.common import FINDINGS, json_option, print_json
from recdrop.cli.options import on_target
from recdrop.cli.report import run_of
from recdrop.cli.target import Target


@click.command(
    help="Show what was refused of the export of run NAME, or of the newest of group NAME. "
    "Exit code 1 when there is something."
)
@click.argument("name")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Rows to show of each file.",
)
@on_target
@json_option
def command(target: Target, name: str, limit: int, as_json: bool) -> int:
    """Print the notes of refused files and the first refused rows."""
    from chalicelib import layout

    run, work = run_of(target, name), target.work
    keys = work.keys(layout.quarantine(run.group, run.run))
    found = {key: read_notes(work.read(key), key) for key in keys}
    if as_json:
        print_json(found)
    elif found:
        show(found, limit)
    else:
        click.echo(f"Nothing of run {run.run} is in quarantine.")
    return FINDINGS if found else 0


def show(found: Mapping[str, list[dict[str, Any]]], limit: int) -> None:
    """The first notes of each key, one a line."""
    for key, notes in found.items():
        click.echo(f"{key}: {len(notes):,}")
        for note in notes[:limit]:
            click.echo("  " + "  ".join(f"{name}={value}" for name, value in note.items()))
        if len(notes) > limit:
            click.echo(f"  ... and {len(notes) - limit:,} more; --limit shows them")


def read_notes(body: bytes, key: str) -> list[dict[str, Any]]:
    """A note of a whole file is one JSON object, of rows one per line."""
    if key.endswith(".jsonl"):
        return [json.loads(line) for line in body.splitlines() if line.strip()]
    return [json.loads(body)]
