"""`recdrop report`: what a run found, decided and why; in words, as JSON, or as the page it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recdrop.cli.common import USAGE, CliError, json_option
from recdrop.cli.options import on_target
from recdrop.cli.runs import Run, Runs
from recdrop.cli.target import Target

if TYPE_CHECKING:
    from chalicelib.documents import HistoryRecord

SHOWN = 10  # of what was done to the group's solutions before


@click.command(help="Tell what run NAME, or the newest of group NAME, found, decided and why.")
@click.argument("name")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the run's page here."
)
@on_target
@json_option
def command(target: Target, name: str, html: Path | None, as_json: bool) -> int:
    """Print the report and what was done before, or save the report's page."""
    from chalicelib import documents, layout
    from chalicelib.reports.text import text

    run, work = run_of(target, name), target.work
    body = work.read_if_there(layout.report(run.run))
    if body is None:
        raise CliError(
            USAGE,
            f"Run {run.run!r} has written no report yet.",
            f"See where it is: recdrop runs {run.run}{target.option}",
        )
    if html is not None:
        html.write_bytes(work.read(layout.report_page(run.run)))
    if as_json:
        click.echo(body.decode())
    elif html is not None:
        click.echo(f"Wrote {html}")
    else:
        click.echo(text(documents.decode(body, documents.RunReport, layout.report(run.run))))
        click.echo(history(target.ledger.history(run.group)))
    return 0


def history(records: list[HistoryRecord]) -> str:
    """What was done to the solutions of a group, the newest last; nothing where nothing was."""
    if not records:
        return ""
    lines = [
        f"  {record.at}  {record.solution:<16} {record.did:<9} {record.evidence or ''}".rstrip()
        + f"  (run {record.run})"
        for record in records[-SHOWN:]
    ]
    return "\n".join(["", "What was done to this group's solutions:", *lines])


def run_of(target: Target, name: str) -> Run:
    """The run that an execution's name, a part of it, or a group (its newest run) means."""
    runs = Runs(target)
    return runs.newest_of(name) or runs.find(name)
