"""`recdrop report`: what a run found, decided and why; in words, as JSON, or as the page it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recdrop import project
from recdrop.cli.common import (
    USAGE,
    CliError,
    boto_client,
    describe,
    endpoint_option,
    find_endpoint,
    json_option,
    machine_arn,
)
from recdrop.cli.runs import Run, find_run, list_runs

if TYPE_CHECKING:
    from chalicelib.buckets import Bucket
    from chalicelib.documents import HistoryRecord
    from chalicelib.ledger import Ledger

SHOWN = 10  # of what was done to the group's solutions before


@click.command(help="Tell what run NAME, or the newest of group NAME, found, decided and why.")
@click.argument("name")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the run's page here."
)
@endpoint_option
@json_option
def command(name: str, html: Path | None, endpoint_url: str | None, as_json: bool) -> int:
    """Print the report and what was done before, or save the report's page."""
    project.put_on_path(project.own())
    from chalicelib import documents, layout
    from chalicelib.reports.text import text

    files = Files.of(find_endpoint(endpoint_url), name)
    run = files.run
    body = files.work.read_if_there(layout.report(run.run))
    if body is None:
        raise CliError(
            USAGE,
            f"Run {run.run!r} has written no report yet.",
            f"See where it is: recdrop runs {run.run}",
        )
    if html is not None:
        html.write_bytes(files.work.read(layout.report_page(run.run)))
    if as_json:
        click.echo(body.decode())
    elif html is not None:
        click.echo(f"Wrote {html}")
    else:
        click.echo(text(documents.decode(body, documents.RunReport, layout.report(run.run))))
        click.echo(history(files.ledger.history(run.group)))
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


@dataclass(frozen=True)
class Files:
    """A run of a running stack, and where its files and its group's records lie."""

    run: Run
    work: Bucket
    ledger: Ledger

    @classmethod
    def of(cls, endpoint: str, name: str) -> Files:
        """Of the run that an execution's name, a part of it, or a group (its newest run) means."""
        from chalicelib.buckets import Bucket
        from chalicelib.ledger import Ledger
        from recdrop.local.aws.clients import Clients

        stack = describe(endpoint)
        client = boto_client(endpoint, "stepfunctions")
        runs = list_runs(client, machine_arn(stack), None, 1000)
        run = next((run for run in runs if run.group == name), None) or find_run(runs, name)
        work = Bucket(boto_client(endpoint, "s3"), str(stack["outputs"]["WorkBucketName"]))
        table = Clients(endpoint).table(str(stack["resources"]["LedgerTable"]))
        return cls(run, work, Ledger(table))
