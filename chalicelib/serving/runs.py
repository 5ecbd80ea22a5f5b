"""What the ledger knows about a run, as the public may see it."""

from __future__ import annotations

from typing import Any

from chalicelib.serving.errors import BadRequest, NotFound
from chalicelib.serving.records import Catalogue

MAX_RUN_CHARACTERS = 128
_PRIVATE = frozenset({"pk", "sk", "ttl", "expires_at", "fence", "lease", "task_token"})


def describe_run(catalogue: Catalogue, run: str) -> dict[str, Any]:
    """The run's attributes in camelCase. NotFound for a run that the ledger does not hold."""
    if not run or len(run) > MAX_RUN_CHARACTERS:
        raise BadRequest(
            f"A run id has 1 to {MAX_RUN_CHARACTERS} characters, this one {len(run):,}."
        )
    found = catalogue.item(f"run#{run}", "run")
    if found is None:
        raise NotFound(f"Unknown run {run!r}.")
    shown = {
        name: value
        for name, value in found.items()
        if name not in _PRIVATE and not name.startswith("_")
    }
    return {"run": run, **{camel(name): value for name, value in shown.items()}}


def camel(name: str) -> str:
    """`solution_version_arn` as `solutionVersionArn`."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
