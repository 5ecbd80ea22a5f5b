"""`recdrop fix`: the clean files that would be imported of an export, and what is not in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recdrop.cli.check import checked, on_export
from recdrop.cli.common import FINDINGS, json_option, print_json

if TYPE_CHECKING:
    from recdrop.checking.checkup import Checkup
    from recdrop.checking.fixing import Fixed


@click.command(
    help="Write the clean files that would be imported of the export at PATH into the folder -o, and "
    "what was left out, with the reasons, beside them. Exit code 1 when the export cannot be used."
)
@on_export
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that is new or empty.",
)
@json_option
def command(
    path: str, config: Path | None, dataset: str | None, output: Path, as_json: bool
) -> int:
    """Check, write, and say what was written."""
    if output.exists() and any(output.iterdir()):
        raise click.UsageError(f"Folder {str(output)!r} is not empty.")
    with checked(path, config, dataset) as checkup:
        from recdrop.checking import fixing, telling

        fixed = fixing.write(checkup, output)
        if as_json:
            print_json({**telling.document(checkup), **_written(fixed)})
        else:
            _show(checkup, fixed, output)
        return 0 if checkup.is_usable else FINDINGS


def _written(fixed: Fixed) -> dict[str, object]:
    files = [str(path) for paths in fixed.files.values() for path in paths]
    return {"written": files, "left_out_lines": fixed.left_out}


def _show(checkup: Checkup, fixed: Fixed, output: Path) -> None:
    from recdrop.checking import fixing, telling

    click.echo(telling.verdict(checkup))
    for summary in checkup.judged.summaries:
        for path in fixed.files.get(summary.dataset, ()):
            click.echo(f"  wrote {path}")
        click.echo(f"    {summary.kept:,} of {summary.rows:,} rows of {summary.dataset}")
    for finding in telling.findings(checkup):
        if finding.severity != "info":
            click.echo(f"  {finding.severity}: {finding.sentence}")
    if fixed.left_out:
        click.echo(f"  wrote {output / fixing.LEFT_OUT}")
        click.echo(f"    {fixed.left_out:,} rows and files that were left out, with the reasons")
