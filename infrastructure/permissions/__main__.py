"""`make check-permissions`, and the checks of the policies that need no recording.

python -m infrastructure.permissions check build/permissions   which allows nothing needs
python -m infrastructure.permissions reference                  actions and resources that AWS has not
python -m infrastructure.permissions page                       writes docs/permissions.md
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from infrastructure.permissions import packaged, reference, removals
from infrastructure.permissions.page import page as written
from recdrop.local.iam.recording import read

REASONS = Path(__file__).with_name("reasons.json")
PAGE = packaged.PROJECT / "docs" / "permissions.md"
Json = dict[str, Any]


@click.group()
def main() -> None:
    """Least privilege, both ways."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def check(folder: Path) -> None:
    """Take away every allow, and see whether a recorded request would be refused."""
    ours = function_allows(packaged.read())
    recording = [
        (policies, requests)
        for policies, requests in read(folder)
        if ours <= set(removals.all_allows(policies))
    ]
    if not recording:
        raise click.ClickException(
            f"{str(folder)!r} has no recording of the policies as they are now."
            " `make check-permissions` makes one."
        )
    found = removals.find(recording, reasons()["unused"])
    requests = sum(len(requests) for _, requests in recording)
    click.echo(
        f"{found.total} allows, {len(found.needed)} needed by {requests} recorded requests,"
        f" {len(found.unused)} unused, {len(found.excused)} listed with a reason"
    )
    for allow in sorted(found.unused):
        click.echo(f"  unused: {allow}")
    for pattern in found.idle:
        click.echo(f"  a reason that excuses nothing: {pattern}")
    if found.unused or found.idle:
        raise click.ClickException(
            "Remove what is unused, or say in infrastructure/permissions/reasons.json why it stays."
        )


@main.command("reference")
def check_reference() -> None:
    """Hold every policy against the Service Authorization Reference."""
    policies = packaged.read()
    wrong, idle = reference.check(policies, reasons()["reference"])
    for finding in wrong:
        click.echo(f"  {finding}")
    for pattern in idle:
        click.echo(f"  a reason that excuses nothing: {pattern}")
    version = reference.iam_data().data_version()
    click.echo(f"{len(policies)} policies, {len(wrong)} findings, reference {version}")
    if wrong or idle:
        raise click.ClickException("Some policies say what AWS does not know.")


@main.command()
def page() -> None:
    """Write docs/permissions.md."""
    PAGE.write_text(written(packaged.read(), reasons()["why"]))
    click.echo(f"Wrote {PAGE}")


def function_allows(policies: list[packaged.Owned]) -> set[removals.Allow]:
    """The actions that the functions' policies allow: by them a recording is known to be current.

    Resources are not compared: in a recording they have real names.
    """
    return {
        allow
        for owned in policies
        if owned.kind == "function"
        for allow, _ in removals.without_one(owned.policy)
        if ":" in allow.what and "/" not in allow.what
    }


def reasons() -> Json:
    """Why statements are there, and what is excused from which check."""
    found: Json = json.loads(REASONS.read_text())
    return found


if __name__ == "__main__":
    main()
