"""`recdrop personalize`: a dataset group of a running local Personalize as one file, and back."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import click

from recdrop.cli.common import (
    DIRECT,
    UNREACHABLE,
    UNREADABLE,
    USAGE,
    CliError,
    Json,
    endpoint_option,
    find_endpoint,
    json_option,
    print_json,
    read_message,
)

SUFFIX = ".personalize"


@click.command(
    help="Keep a dataset group of the local Personalize: `save NAME` writes the group, its data and its "
    "models to a file; `load NAME` puts the group of such a file into another service."
)
@click.argument("verb", type=click.Choice(["save", "load"]))
@click.argument("name")
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The file. Default: NAME{SUFFIX}.",
)
@endpoint_option
@json_option
def command(
    verb: str, name: str, path: Path | None, endpoint_url: str | None, as_json: bool
) -> int:
    """Save or load."""
    act = save if verb == "save" else load
    done = act(find_endpoint(endpoint_url), name, path or Path(f"{name}{SUFFIX}"))
    print_json(done) if as_json else click.echo(done["said"])
    return 0


def save(endpoint: str, name: str, path: Path) -> Json:
    """Fetch the file, and write it whole or not at all."""
    content = exchange(endpoint, "GET", name)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    said = f"{name} is in {path}, {len(content):,} bytes."
    return {"file": str(path), "bytes": len(content), "said": said}


def load(endpoint: str, name: str, path: Path) -> Json:
    """Send the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CliError(UNREADABLE, f"{path} cannot be read: {error.strerror}.") from error
    answer = json.loads(exchange(endpoint, "PUT", name, content))
    said = f"{path} is loaded, {len(answer['loaded'])} resources."
    return {"file": str(path), **answer, "said": said}


def exchange(endpoint: str, method: str, name: str, content: bytes | None = None) -> bytes:
    """The answer of the service.

    Raises:
        CliError: nobody answers, or the service refuses.
    """
    url = f"{endpoint}/_personalize/snapshots/{urllib.parse.quote(name)}"
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310
    try:
        with DIRECT.open(request, timeout=600) as answer:
            body: Any = answer.read()
            return bytes(body)
    except urllib.error.HTTPError as error:
        raise CliError(USAGE, read_message(error)) from error
    except OSError as error:
        raise CliError(
            UNREACHABLE,
            f"No recdrop answers at {endpoint}: {getattr(error, 'reason', error)}.",
            "Start one with `recdrop up`, or name it with --endpoint-url.",
        ) from error
