"""What the ledger knows about a run, as the API shows it."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.documents import RunRecord
from chalicelib.errors import AwsError
from chalicelib.ledger import Ledger
from chalicelib.serving.catalogue import unreadable
from chalicelib.serving.errors import BadRequest, NotFound

MAX_RUN_CHARACTERS = 128
# How a document is stored is nobody's business but its reader's.
_PRIVATE = frozenset({"version"})


def describe_run(ledger: Ledger, run: str) -> dict[str, Any]:
    """The run's record in camelCase, absent values left out.

    Raises:
        BadRequest: `run` cannot be a run's name.
        NotFound: the ledger does not hold it.
        Unavailable: the table cannot be read.
    """
    if not 1 <= len(run) <= MAX_RUN_CHARACTERS:
        raise BadRequest(
            f"A run id has 1 to {MAX_RUN_CHARACTERS} characters, this one {len(run):,}."
        )
    try:
        record = ledger.run(run)
    except AwsError as error:
        raise unreadable() from error
    if record is None:
        raise NotFound(f"Unknown run {run!r}.")
    return _show(record)


def _show(record: RunRecord) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(record)
    return {
        camel(name): value
        for name, value in fields.items()
        if name not in _PRIVATE and value is not None
    }


def camel(name: str) -> str:
    """`solution_version_arn` as `solutionVersionArn`."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
