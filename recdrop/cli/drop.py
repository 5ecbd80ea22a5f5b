"""`recdrop drop`: uploads files as an export, as an unload from a warehouse would."""

from __future__ import annotations

import time
from pathlib import Path

import click

from recdrop.cli.common import (
    UNREADABLE,
    CliError,
    boto_client,
    describe,
    drop_bucket,
    endpoint_option,
    find_endpoint,
    json_option,
    print_json,
)
from recdrop.local.watch import is_marker

CONFIG = "recdrop.toml"


@click.command(
    help="Drop FILES: upload them as an export of a dataset group. A folder is dropped with all it holds."
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--group", required=True, help="The dataset group, e.g. shop.")
@click.option("--dataset", help="interactions, items, users, ... Not needed for recdrop.toml.")
@click.option(
    "--wait", "wait_for_run", is_flag=True, help="Wait for the run; exit code 5 when it fails."
)
@click.option("--timeout", default=900.0, show_default=True, help="Seconds to wait.")
@endpoint_option
@json_option
def command(
    files: tuple[Path, ...],
    group: str,
    dataset: str | None,
    wait_for_run: bool,
    timeout: float,
    endpoint_url: str | None,
    as_json: bool,
) -> int:
    """Upload, manifests last; then wait if asked to."""
    keys = plan(files, group, dataset)
    endpoint = find_endpoint(endpoint_url)
    stack = describe(endpoint)
    bucket = drop_bucket(stack)
    s3 = boto_client(endpoint, "s3")
    began = time.time()
    for key, path in keys:
        with path.open("rb") as file:
            s3.put_object(Bucket=bucket, Key=key, Body=file)
        if not as_json:
            click.echo(f"s3://{bucket}/{key}  {path.stat().st_size:,} bytes")
    if not wait_for_run:
        if as_json:
            print_json({"bucket": bucket, "keys": [key for key, _ in keys]})
        return 0
    from recdrop.cli.wait import wait_for_new_run

    return wait_for_new_run(endpoint, stack, group, began, timeout, as_json)


def plan(files: tuple[Path, ...], group: str, dataset: str | None) -> list[tuple[str, Path]]:
    """Keys and files in the order of upload: configuration, data, then the manifests that say it is
    complete.
    """
    planned = []
    for path in files:
        if not path.exists():
            raise CliError(UNREADABLE, f"No file {str(path)!r}.")
        if path.is_dir():
            found = sorted(
                inner
                for inner in path.rglob("*")
                if inner.is_file() and not inner.name.startswith(".")
            )
            planned += [(inner.relative_to(path).as_posix(), inner) for inner in found]
        else:
            planned.append((path.name, path))
    if not planned:
        raise CliError(UNREADABLE, "There is no file in what was given.")
    if dataset is None and any(name != CONFIG for name, _ in planned):
        raise click.UsageError(
            "Missing option '--dataset'. Expected interactions, items, users, ..."
        )
    keys = [
        (f"{group}/{name}" if name == CONFIG else f"{group}/{dataset}/{name}", path)
        for name, path in planned
    ]
    return sorted(keys, key=lambda pair: (pair[1].name != CONFIG, is_marker(pair[0]), pair[0]))
