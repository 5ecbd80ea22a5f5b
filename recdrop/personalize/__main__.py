"""`python -m recdrop.personalize --data-dir DIR`: the local Amazon Personalize on its own port."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable
from pathlib import Path

import click

from recdrop.personalize.control.latency import PRESETS
from recdrop.personalize.control.quotas import load_quotas
from recdrop.personalize.server import ACCOUNT, PersonalizeServer
from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.http.faults import Faults
from recdrop.service.http.hosting import hosted
from recdrop.service.http.httpserver import PortInUseError
from recdrop.service.resources.clock import SystemClock
from recdrop.service.resources.quotas import Quotas


@click.command()
@click.option("--port", default=0, show_default=True, help="0 takes a free one and says which.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    required=True,
    help="Where state, data and models are kept.",
)
@click.option(
    "--s3-endpoint",
    default=None,
    help="Where S3 is, such as http://127.0.0.1:4566; default: boto3's own.",
)
@click.option("--region", default="us-east-1", show_default=True)
@click.option("--account", default=ACCOUNT, show_default=True)
@click.option("--latency", type=click.Choice(sorted(PRESETS)), default="quick", show_default=True)
@click.option("--speed", default=1.0, show_default=True, help="How fast the service's clock runs.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--slots", default=None, type=int, help="Jobs at the same time; default: one per core."
)
@click.option(
    "--training-seconds",
    default=30.0,
    show_default=True,
    help="Budget of the search in one training.",
)
@click.option(
    "--quota", "quotas", multiple=True, metavar="NAME=VALUE", help="Changes a quota of quotas.json."
)
@click.option("--no-quotas", is_flag=True, help="Switches the upper limits off.")
@click.option(
    "--mixed-filters", is_flag=True, help="Accepts AND mixed with OR in filters (AND binds first)."
)
@click.option(
    "--strict",
    is_flag=True,
    help="Refuses what the service was only seen to accept, instead of a warning.",
)
@click.option(
    "--faults",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="A fault plan in JSON.",
)
def main(
    port: int,
    data_dir: Path,
    s3_endpoint: str | None,
    region: str,
    account: str,
    latency: str,
    speed: float,
    seed: int,
    slots: int | None,
    training_seconds: float,
    quotas: tuple[str, ...],
    no_quotas: bool,
    mixed_filters: bool,
    strict: bool,
    faults: Path | None,
) -> None:
    """Serves until it gets SIGTERM or Ctrl-C."""
    plan = Faults(PERSONALIZE.operations)
    try:
        limits = _limits(quotas, switched_off=no_quotas)
        if faults:
            plan.replace(faults.read_text())
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    app = PersonalizeServer(
        data_dir,
        s3_endpoint=s3_endpoint,
        region=region,
        account=account,
        latency=latency,
        seed=seed,
        clock=SystemClock(speed),
        quotas=limits,
        faults=plan,
        slots=slots,
        training_seconds=training_seconds,
        mixed_filters=mixed_filters,
        strict=strict,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with hosted(app, port) as url:
            click.echo(f"Amazon Personalize is at {url}")
            stop.wait()
    except PortInUseError as error:
        raise click.ClickException(str(error)) from error
    finally:
        app.close()


def _limits(changes: Iterable[str], *, switched_off: bool) -> Quotas:
    """The quotas with `changes` such as `campaigns_per_group=50`, which hold even when off."""
    quotas = load_quotas()
    if switched_off:
        quotas = quotas.switched_off()
    pairs = (change.partition("=") for change in changes)
    return quotas.adjusted({name: int(value) for name, _, value in pairs})


if __name__ == "__main__":
    main()
