"""`recdrop drop`: uploads files as an export, as an unload from a warehouse would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from recdrop.cli.common import CONFIG, FINDINGS, UNREADABLE, CliError, json_option, print_json
from recdrop.cli.options import on_target, timeout_option
from recdrop.cli.target import Target
from recdrop.local.watch import is_marker

Mapped = Mapping[str, str]  # the folders that a config maps, each with its dataset


@click.command(
    help="Drop FILES: upload them as an export of a dataset group. A folder is dropped with all it holds."
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--group", required=True, help="The dataset group, e.g. shop.")
@click.option(
    "--dataset",
    help="interactions, items, users, ... Not needed where folders or files are called so.",
)
@click.option("--wait", "wait_for_run", is_flag=True, help="Wait for the run of these files.")
@timeout_option
@on_target
@json_option
def command(
    target: Target,
    files: tuple[Path, ...],
    group: str,
    dataset: str | None,
    wait_for_run: bool,
    timeout: float | None,
    as_json: bool,
) -> int:
    """Upload, manifests last; then wait if asked to."""
    planned = plan(files, group, dataset, lambda: target.drop.read_if_there(f"{group}/{CONFIG}"))
    if wait_for_run:
        seconds = target.run_seconds if timeout is None else timeout
        return drop_and_wait(target, group, planned, seconds, as_json)
    upload(target, planned, as_json)
    if as_json:
        print_json({"bucket": target.drop_bucket, "keys": [key for key, _ in planned]})
    return 0


def drop_and_wait(
    target: Target, group: str, planned: list[tuple[str, Path]], timeout: float, as_json: bool
) -> int:
    """Upload, wait for the runs of these files, say how they ended."""
    from recdrop.cli.awaiting import Drop
    from recdrop.cli.exports import Exports
    from recdrop.cli.wait import report

    exports = Exports(target, group)
    # What is there already is not ours: looked at before the first file can start a run.
    before = exports.before()
    etags = upload(target, planned, as_json)
    data = frozenset((key, etag) for key, etag in etags.items() if is_data(key))
    drop = Drop(exports, before, tuple(etags), data)
    return report(target, drop.wait(timeout), as_json)


def upload(target: Target, planned: list[tuple[str, Path]], as_json: bool) -> dict[str, str]:
    """Put the files into the drop bucket, in order; the ETag of each key."""
    bucket, s3 = target.drop_bucket, target.client("s3")
    etags = {}
    for key, path in planned:
        with path.open("rb") as file:
            answer = s3.put_object(Bucket=bucket, Key=key, Body=file)
        etags[key] = str(answer["ETag"]).strip('"')
        if not as_json:
            click.echo(f"s3://{bucket}/{key}  {path.stat().st_size:,} bytes")
    return etags


def is_data(key: str) -> bool:
    """Whether a key holds rows, and so will be part of an export set."""
    return not is_marker(key) and not key.endswith(f"/{CONFIG}")


def plan(
    files: tuple[Path, ...],
    group: str,
    dataset: str | None,
    read_config: Callable[[], bytes | None] = lambda: None,
) -> list[tuple[str, Path]]:
    """Keys and files in the order of upload: the config first, then the data, then what says that it
    is complete.

    Without a `dataset`, files lie in folders called like one, or are called so themselves. Folders
    that a config maps count too: the one that is dropped along, else the group's own, which
    `read_config` gives.

    Raises:
        CliError: a file would not be imported where it lies.
    """
    named = [pair for path in files for pair in name_files(path)]
    if not named:
        raise CliError(UNREADABLE, "There is no file in what was given.")
    config = next((path.read_bytes() for name, path in named if name == CONFIG), None)
    mapped = _mapped(group, read_config() if config is None else config)
    pairs = [(f"{group}/{_below_group(name, path, dataset, mapped)}", path) for name, path in named]
    _check(pairs, mapped)
    return sorted(pairs, key=lambda pair: (pair[1].name != CONFIG, is_marker(pair[0]), pair[0]))


def _mapped(group: str, config: bytes | None) -> Mapped:
    """The folders that a config maps; none of one that cannot be read: the group is told of it."""
    from chalicelib.config import loading

    try:
        return loading.load((config or b"").decode("utf-8-sig", errors="replace"), group).mapped
    except loading.ConfigError:
        return {}


def _below_group(name: str, path: Path, dataset: str | None, mapped: Mapped) -> str:
    """The key of a file below its group."""
    from chalicelib.intake import keys

    if name == CONFIG:
        return name
    if dataset is not None:
        return f"{dataset}/{name}"
    # In a folder called like a dataset, which was given itself or lies above the file.
    folders = [*path.resolve().parent.parts[-name.count("/") - 1 :]]
    for place, folder in enumerate(folders):
        if keys.dataset_named(folder, mapped):
            return "/".join([*folders[place:], path.name])
    stem = path.name.partition(".")[0]
    return f"{stem}/{path.name}" if keys.dataset_named(stem, mapped) else name


def _check(pairs: list[tuple[str, Path]], mapped: Mapped) -> None:
    """Refuses what is not imported where it lies, before anything is uploaded."""
    from chalicelib.documents import ArrivalRecord
    from chalicelib.intake import keys

    records = {
        path: ArrivalRecord(key=key, etag="", size=path.stat().st_size, arrived=0.0)
        for key, path in pairs
    }
    recognised = {path: keys.recognise(record, mapped) for path, record in records.items()}
    # A manifest may say of any folder what it is.
    has_manifest = any(found.role == "manifest" for found in recognised.values())
    for path, found in recognised.items():
        if found.is_mistake or (found.is_misplaced and not has_manifest):
            raise CliError(
                FINDINGS,
                f"{str(path)!r} would not be imported: {found.reason}.",
                "Or say what it is: --dataset interactions.",
            )


def name_files(path: Path) -> list[tuple[str, Path]]:
    """A file, or all that a folder holds, each with its name below the dataset.

    Raises:
        CliError: there is no such file.
    """
    if not path.exists():
        raise CliError(UNREADABLE, f"No file {str(path)!r}.")
    if not path.is_dir():
        return [(path.name, path)]
    found = sorted(inner for inner in path.rglob("*") if inner.is_file())
    return [
        (inner.relative_to(path).as_posix(), inner)
        for inner in found
        if not inner.name.startswith(".")
    ]
