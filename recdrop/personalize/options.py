"""How the local Personalize runs, as options of a command line: its own, and that of a stack.

@personalize_options
def command(**personalize): PersonalizeServer(data_dir, **server_options(**personalize))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from recdrop.personalize.control.latency import PRESETS

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--latency",
        type=click.Choice(sorted(PRESETS)),
        default="quick",
        show_default=True,
        help="How long Personalize leaves things PENDING and IN_PROGRESS.",
    ),
    click.option(
        "--speed", default=1.0, show_default=True, help="How fast Personalize's clock runs."
    ),
    click.option("--seed", default=0, show_default=True, help="Of ids and of what is random."),
    click.option(
        "--slots", default=None, type=int, help="Jobs at the same time; default: one per core."
    ),
    click.option(
        "--training-seconds",
        default=30.0,
        show_default=True,
        help="Budget of the search in one training.",
    ),
    click.option(
        "--quota",
        "quotas",
        multiple=True,
        metavar="NAME=VALUE",
        help="Changes a quota of quotas.json.",
    ),
    click.option("--no-quotas", is_flag=True, help="Switches the upper limits off."),
    click.option(
        "--mixed-filters",
        is_flag=True,
        help="Accepts AND mixed with OR in filters (AND binds first).",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Refuses what the service was only seen to accept, instead of a warning.",
    ),
    click.option(
        "--faults",
        type=click.Path(exists=True, path_type=Path),
        default=None,
        help="A fault plan for Personalize, in JSON.",
    ),
)


def personalize_options(command: F) -> F:
    """Gives a command the options, by the names that `server_options` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def server_options(
    *,
    speed: float,
    quotas: Iterable[str],
    no_quotas: bool,
    faults: Path | None,
    **others: Any,
) -> dict[str, Any]:
    """The arguments of PersonalizeServer that the options stand for.

    Raises:
        click.ClickException: a quota, the speed or the fault plan is none.
    """
    # Here, since botocore's models take their time and `--help` should not.
    from recdrop.personalize.control.quotas import load_quotas
    from recdrop.personalize.specification import PERSONALIZE
    from recdrop.service.http.faults import Faults
    from recdrop.service.resources.clock import SystemClock

    plan, limits = Faults(PERSONALIZE.operations), load_quotas()
    try:
        limits = (limits.switched_off() if no_quotas else limits).adjusted(_changes(quotas))
        if faults:
            plan.replace(faults.read_text())
        clock = SystemClock(speed)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    return {**others, "clock": clock, "quotas": limits, "faults": plan}


def _changes(quotas: Iterable[str]) -> dict[str, int]:
    """Quotas such as `campaigns_per_group=50`, which hold even when the others are off."""
    pairs = (quota.partition("=") for quota in quotas)
    return {name: int(value) for name, _, value in pairs}
