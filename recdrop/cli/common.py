"""What the verbs share: exit codes, errors, JSON output, and talking to the stack here."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import IO, Any, TypeVar

import click

FINDINGS, USAGE, UNREADABLE, UNREACHABLE, RUN_FAILED = 1, 2, 3, 4, 5
DEFAULT_PORT = 4566
CONFIG = "recdrop.toml"
# A proxy that the user has set does not know our 127.0.0.1.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Json = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


class CliError(click.ClickException):
    """An error with an exit code and the next thing to do."""

    def __init__(self, exit_code: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click has one code per class
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """On stderr, with the next thing to do."""
        click.echo(f"{click.style('Error:', fg='red')} {self.message}", err=True, file=file)
        if self.hint:
            click.echo(self.hint, err=True, file=file)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="JSON on stdout, and nothing else."
)
endpoint_option = click.option(
    "--endpoint-url",
    envvar="AWS_ENDPOINT_URL",
    help="The local AWS. Default: $AWS_ENDPOINT_URL, else 127.0.0.1 and $AWS_PORT, else port 4566.",
)


def find_endpoint(given: str | None) -> str:
    """The URL of the local AWS."""
    if given:
        return given.rstrip("/")
    port = os.environ.get("AWS_PORT", "") or str(DEFAULT_PORT)
    return f"http://127.0.0.1:{port}"


def call(endpoint: str, request: str, body: Any = None, timeout: float = 5) -> Json:
    """A request to the stack itself, such as `GET health`; its document.

    Raises:
        CliError: nobody answers (UNREACHABLE), or the request is refused.
    """
    method, path = request.split()
    data = None if body is None else json.dumps(body).encode()
    message = urllib.request.Request(f"{endpoint}/_recdrop/{path}", data=data, method=method)  # noqa: S310
    try:
        with DIRECT.open(message, timeout=timeout) as answer:
            document: Json = json.load(answer)
            return document
    except urllib.error.HTTPError as error:
        if error.code == 503:
            # A stack that is starting describes itself too; `ready` says so.
            return dict(json.load(error))
        raise CliError(USAGE if error.code == 400 else UNREACHABLE, read_message(error)) from error
    except (OSError, ValueError) as error:
        raise CliError(
            UNREACHABLE,
            f"No recdrop answers at {endpoint}: {getattr(error, 'reason', error)}.",
            "Start one with `recdrop up`, or name its port with AWS_PORT.",
        ) from error


def read_message(error: urllib.error.HTTPError) -> str:
    """The message of an error answer."""
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.url} answered {error.code}. Is it a recdrop?"


def print_json(document: Any) -> None:
    """JSON on stdout."""
    click.echo(json.dumps(document, indent=2, default=str))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
