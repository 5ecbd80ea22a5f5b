"""`recdrop status`: what runs where, what it did last, and what each group serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from recdrop.cli.common import Json, json_option, print_json, table
from recdrop.cli.options import on_target
from recdrop.cli.runs import Run, Runs, list_of
from recdrop.cli.target import Target

LAST_RUNS = 5


@click.command(help="Say what runs where, what it did last, and what each group serves.")
@on_target
@json_option
def command(target: Target, as_json: bool) -> int:
    """Print the stack's own description, then what its parts say."""
    described = target.describe()
    summary = described.pop("summary")
    runs = last_runs(target)
    alarms = dict(target.alarms())
    dead = dead_letters(target)
    groups = list(read_groups(target))
    if as_json:
        told = {"runs": [asdict(run) for run in runs], "dead_letters": dead, "alarms": alarms}
        print_json({**described, **told, "groups": groups})
        return 0
    click.echo("\n".join(summary))
    for name, value in sorted(described["outputs"].items()):
        click.echo(f"  {name:20} {value}")
    for paragraph in tell(runs, alarms, dead, groups):
        click.echo(f"\n{paragraph}")
    return 0


def last_runs(target: Target) -> list[Run]:
    """The newest runs; none on a stack whose creation has failed."""
    return Runs(target).newest(LAST_RUNS) if "PipelineArn" in target.outputs else []


def dead_letters(target: Target) -> int | None:
    """How many messages could not be taken; None where the application has no such queue."""
    if "DeadLetterQueueUrl" not in target.outputs:
        return None
    return sum(target.count(target.dead_letters).values())


def read_groups(target: Target) -> Iterator[Json]:
    """Each group, what it serves and what it was last told; none where there is no ledger."""
    if "LedgerTableName" not in target.outputs:
        return
    for group in target.ledger.groups():
        note = target.ledger.note(group)
        yield {
            "group": group,
            "serves": {
                record.solution: record.solution_version_arn
                for record in target.ledger.served(group)
            },
            "note": None if note is None else {"what": note.what, "why": note.why, "at": note.at},
        }


def tell(
    runs: list[Run], alarms: dict[str, str], dead: int | None, groups: list[Json]
) -> Iterator[str]:
    """What there is to tell, in paragraphs."""
    if runs:
        yield list_of(runs)
    if dead is not None:
        look = " (read one, mend it, redrive)" if dead else ""
        yield f"Messages that could not be taken: {dead}{look}"
    if alarms:
        yield table([("ALARM", "STATE"), *alarms.items()])
    for group in groups:
        yield "\n".join(tell_group(group))


def tell_group(group: dict[str, Any]) -> Iterator[str]:
    """A group, a line for each solution that serves, and its note."""
    note = group["note"]
    last = f": {note['what']}: {note['why']}" if note else ""
    yield f"{group['group']}{last}"
    for solution, version in group["serves"].items():
        yield f"  {solution:16} {(version or '-').rsplit('/', 1)[-1]}"
