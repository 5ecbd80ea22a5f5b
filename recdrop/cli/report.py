"""`recdrop report`: what a run found, decided and why; in words, as JSON, or as the page it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
from recdrop.cli.runs import find_run, list_runs


@click.command(help="Tell what run NAME, or the newest of group NAME, found, decided and why.")
@click.argument("name")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the run's page here."
)
@endpoint_option
@json_option
def command(name: str, html: Path | None, endpoint_url: str | None, as_json: bool) -> int:
    """Print the report, or save its page."""
    project.put_on_path(project.own())
    from chalicelib import documents, layout
    from chalicelib.reports.text import text

    work = WorkFiles(find_endpoint(endpoint_url))
    run = work.run_name(name)
    body = work.read(layout.report(run))
    if body is None:
        raise CliError(
            USAGE, f"Run {run!r} has written no report yet.", f"See where it is: recdrop runs {run}"
        )
    if html is not None:
        html.write_bytes(work.read(layout.report_page(run)) or b"")
    if as_json:
        click.echo(body.decode())
    else:
        report = documents.decode(body, documents.RunReport, layout.report(run))
        click.echo(f"Wrote {html}" if html is not None else text(report))
    return 0


class WorkFiles:
    """The work bucket of a running stack, by run."""

    def __init__(self, endpoint: str) -> None:
        self._stack = describe(endpoint)
        self._s3 = boto_client(endpoint, "s3")
        self._stepfunctions = boto_client(endpoint, "stepfunctions")
        self._bucket = str(self._stack["outputs"]["WorkBucketName"])

    def run_name(self, name: str) -> str:
        """The run that an execution's name, a part of it, or a group (its newest run) stands for."""
        runs = list_runs(self._stepfunctions, machine_arn(self._stack), None, 1000)
        run = next((run for run in runs if run.group == name), None) or find_run(runs, name)
        given: dict[str, Any] = json.loads(
            self._stepfunctions.describe_execution(executionArn=run.arn)["input"]
        )
        return str(given["run"])

    def read(self, key: str) -> bytes | None:
        """The object, or None."""
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return body

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", ())]
