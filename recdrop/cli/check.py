"""`recdrop check`: can this export be used? On this machine, without a stack."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recdrop import project
from recdrop.cli.common import CONFIG, FINDINGS, UNREADABLE, CliError, F, json_option, print_json
from recdrop.cli.options import explain

if TYPE_CHECKING:
    from recdrop.checking.checkup import Checkup

MANY = 20  # files, which take more than a moment
DATASETS = ("interactions", "items", "users", "actions", "action_interactions")


def on_export(verb: F) -> F:
    """The arguments of a verb that looks at an export: where it is, and how to read it."""
    verb = click.option(
        "--dataset",
        type=click.Choice(DATASETS),
        help="What the files are. Default: by folder, name and columns.",
    )(verb)
    verb = click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A recdrop.toml to read the export by. Default: the one in the folder, if any.",
    )(verb)
    return click.argument("path", metavar="PATH")(verb)


@click.command(
    help="Say whether the export at PATH can be used: a file, a folder, or s3://bucket/folder/. "
    "Prints what was found and understood, and a recdrop.toml for it. Exit code 0: it can be "
    "used as it is; 1: it cannot, or only with the recdrop.toml that is printed; 2: wrong usage; "
    "3: the config or the path cannot be read."
)
@on_export
@json_option
def command(path: str, config: Path | None, dataset: str | None, as_json: bool) -> int:
    """Check, and print the verdict first."""
    with checked(path, config, dataset) as checkup:
        from recdrop.checking import telling

        if as_json:
            print_json(telling.document(checkup))
        else:
            click.echo(telling.text(checkup, path, str(config or CONFIG)))
        return 0 if checkup.is_usable and not checkup.needs_config else FINDINGS


@contextmanager
def checked(path: str, config: Path | None, dataset: str | None) -> Iterator[Checkup]:
    """The checkup of a path; its clean files are there as long as the context.

    Raises:
        CliError: the config, or a list of files in the export, cannot be read.
        UsageError: there is nothing at the path.
    """
    project.put_on_path(project.own())
    from chalicelib.config.loading import ConfigError
    from chalicelib.intake.manifests import ManifestError
    from recdrop.checking.checkup import check

    with tempfile.TemporaryDirectory(prefix="recdrop-check-") as folder:
        scratch = Path(folder)
        place = fetched(path, scratch)
        if not place.exists():
            raise click.UsageError(f"There is no file or folder {path!r}.")
        try:
            text = config.read_text(encoding="utf-8") if config else None
            yield check(place, text, dataset, scratch / "clean", time.time(), told_on_a_terminal)
        except (ConfigError, ManifestError, UnicodeDecodeError, OSError) as error:
            raise CliError(UNREADABLE, str(error)) from error


def told_on_a_terminal(done: int, files: int) -> None:
    """How far the reading is, where somebody waits for it: on stderr, in one line."""
    if files >= MANY and sys.stderr.isatty():
        end = "\n" if done == files else ""
        click.echo(f"\r{done:,} of {files:,} files read{end}", err=True, nl=False)


def fetched(path: str, scratch: Path) -> Path:
    """Where the export lies on this machine; one in S3 is downloaded, with your own credentials."""
    if not path.startswith("s3://"):
        return Path(path)
    import boto3

    bucket, _, prefix = path.removeprefix("s3://").partition("/")
    folder = scratch / "s3" / (prefix.rstrip("/").rsplit("/", 1)[-1] or bucket)
    try:
        found = download(boto3.client("s3"), bucket, prefix, folder)
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        raise told from error
    if not found:
        raise click.UsageError(f"There is no object at {path!r}.")
    is_file = len(found) == 1 and found[0] == folder
    return found[0] if is_file else folder


def download(client: Any, bucket: str, prefix: str, folder: Path) -> list[Path]:
    """All objects of a prefix, below `folder`; an object of that very key as `folder` itself."""
    targets = []
    start = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", ())):
        key = str(item["Key"])
        if key.endswith("/") or not (key == prefix or key.startswith(start)):
            continue
        target = folder if key == prefix else folder / key.removeprefix(start)
        target.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, key, str(target))
        targets.append(target)
    return targets
