"""`recdrop up`: the local AWS in the foreground, until Ctrl-C, SIGTERM or `recdrop down`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click

from recdrop.cli.common import UNREACHABLE, UNREADABLE, CliError, json_option, print_json
from recdrop.personalize.options import personalize_options, server_options
from recdrop.project import DEMO_MARK, ProjectError, find

# The state machine looks at a training once a minute; at this scale, three times a second.
TIME_SCALE = 200.0
# An unload from a warehouse takes minutes between two files; what one drops by hand comes at once.
QUIET_SECONDS = "1"


@click.command(
    help="Start the local AWS with the application deployed, and stay in the foreground."
)
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The Chalice project. [default: the one here, else recdrop's own]",
)
@click.option(
    "--aws-port",
    envvar="AWS_PORT",
    type=click.IntRange(0, 65535),
    default=4566,
    show_default=True,
    help="Port of every AWS service ($AWS_PORT); 0 is any free one.",
)
@click.option(
    "--api-port",
    envvar="API_PORT",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of the REST API ($API_PORT); 0 is any free one.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="RECDROP_DATA_DIR",
    help="Keep datasets, models, objects and runs here over a restart.",
)
@click.option(
    "--watch",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="RECDROP_WATCH",
    help="Upload what is saved here as <group>/<dataset>/<file>. [default: drop]",
)
@click.option("--no-watch", is_flag=True, help="Watch no folder.")
@click.option(
    "--time-scale",
    type=click.FloatRange(min=1),
    default=TIME_SCALE,
    show_default=True,
    help="How many times shorter the waits of the project's state machine are.",
)
@click.option(
    "--time-scale-others",
    type=click.FloatRange(min=1),
    default=1.0,
    show_default=True,
    help="The same for state machines that you make yourself.",
)
@click.option(
    "--quiet-seconds",
    default=None,
    envvar="QUIET_SECONDS",
    help="An export without a manifest is complete after so long without a new file. "
    f"[default: {QUIET_SECONDS}]",
)
@click.option(
    "--env", "variables", multiple=True, metavar="KEY=VALUE", help="A variable of the Lambdas."
)
@click.option("--verbose", is_flag=True, help="Print what the Lambdas log.")
@personalize_options
@json_option
def command(
    project: Path | None,
    aws_port: int,
    api_port: int,
    data_dir: Path | None,
    watch: Path | None,
    no_watch: bool,
    time_scale: float,
    time_scale_others: float,
    quiet_seconds: str | None,
    variables: tuple[str, ...],
    verbose: bool,
    as_json: bool,
    **personalize: Any,
) -> int:
    """Start, say where, wait for the end, stop."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    stack = make_stack(
        project or find_project(),
        data_dir=data_dir,
        aws_port=aws_port,
        api_port=api_port,
        scale=time_scale,
        scale_others=time_scale_others,
        personalize_options=server_options(**personalize),
        verbose=verbose,
        environment={"QUIET_SECONDS": quiet_seconds or QUIET_SECONDS, **read_variables(variables)},
    )
    folder = None if no_watch else watch or (project or Path()) / "drop"
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        stack.stop_requested.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if not as_json:
        click.echo("Starting ...", err=True)
    watcher = None
    try:
        start(stack)
        if data_dir is not None:
            # From now on it may hold what is the user's: the demo leaves it alone.
            (data_dir / DEMO_MARK).unlink(missing_ok=True)
        if folder is not None:
            watcher = watch_folder(stack, folder)
        print_json(stack.describe()) if as_json else click.echo(greeting(stack, folder))
        sys.stdout.flush()
        stack.stop_requested.wait()
        if not as_json:
            click.echo("Stopping ...", err=True)
    finally:
        if watcher is not None:
            watcher.stop()
        stack.stop()
    return 130 if signal.SIGINT in signals else 0


def make_stack(project: Path, **options: Any) -> Any:
    """The stack, not started."""
    from recdrop.local.stack import Stack

    if threading.current_thread() is not threading.main_thread():
        raise CliError(UNREADABLE, "recdrop up needs the main thread, for its signals.")
    return Stack(project, **options)


def find_project() -> Path:
    """The project to deploy when none is named."""
    try:
        return find()
    except ProjectError as error:
        raise CliError(UNREADABLE, str(error)) from error


def start(stack: Any) -> None:
    """Start it. Anything but what a user can mend keeps its traceback.

    Raises:
        CliError: a port is taken, the project or the data folder cannot be read.
    """
    from recdrop.service.http.httpserver import PortInUseError

    try:
        stack.start()
    except PortInUseError as error:
        raise CliError(UNREACHABLE, str(error)) from error
    except Exception as error:
        if type(error).__name__ in {"TemplateError", "DeployError", "StateError", "StackError"}:
            raise CliError(UNREADABLE, str(error)) from error
        raise


def read_variables(pairs: tuple[str, ...]) -> dict[str, str]:
    """`KEY=VALUE` pairs."""
    variables = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise click.BadParameter(f"{pair!r}. Expected KEY=VALUE.", param_hint="--env")
        variables[key] = value
    return variables


def watch_folder(stack: Any, folder: Path) -> Any:
    """Upload what is saved there."""
    from recdrop.local.watch import Watcher

    watcher = Watcher(folder, stack.outputs["DropBucketName"], stack.boto_client("s3"))
    watcher.start()
    return watcher


def greeting(stack: Any, watch: Path | None) -> str:
    """Where everything is, ready to be pasted into a shell."""
    kept = (
        f"kept in {stack.options.data_dir}"
        if stack.options.data_dir
        else "not kept (see --data-dir)"
    )
    lines = [
        f"{click.style('recdrop is up', fg='green')}, in {stack.started_in:.1f} s",
        "",
        f"  AWS    {stack.aws_url}",
        f"  API    {stack.api_url}",
        *(f"         {name:<9} x-api-key: {key}" for name, key in stack.api_keys.items()),
        f"  data   {kept}",
        *([f"  watch  {watch}/<group>/<dataset>/<file>"] if watch is not None else []),
        "",
        "In another shell, for the AWS CLI and any SDK:",
        f"  export AWS_ENDPOINT_URL={stack.aws_url} AWS_DEFAULT_REGION=us-east-1",
        f"  export AWS_ACCESS_KEY_ID={key()} AWS_SECRET_ACCESS_KEY={key()}",
        "",
        "Then:  recdrop drop orders.csv --group shop --dataset interactions --wait",
        f"       curl {stack.api_url}/health",
        "Stop:  Ctrl-C or recdrop down",
    ]
    return "\n".join(lines)


def key() -> str:
    """Made-up credentials; nothing checks them."""
    from recdrop.local.aws.clients import FAKE_KEY

    return os.environ.get("RECDROP_KEY", FAKE_KEY)
