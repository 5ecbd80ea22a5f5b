"""A state machine's definition, read from its file.

A task names the policies by which it is retried, each of which stands once, in `retry.json` beside
the definition:

    "Retry": ["poll", "throttled", "unavailable"]

Step Functions knows no such names. So whatever hands a definition on reads it here: the local
stack, `make package`, and the linters through it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
POLICIES = "retry.json"


class DefinitionError(Exception):
    """The definition cannot be used; the message names the file and what was expected of it."""


def read(path: Path) -> Json:
    """The definition in a file, as Step Functions wants it.

    Raises:
        DefinitionError: a state names a policy that `retry.json` does not have.
    """
    definition: Json = json.loads(path.read_text())
    file = path.with_name(POLICIES)
    # A machine may spell its retriers out; then it needs no file of policies.
    policies: Json = json.loads(file.read_text()) if file.is_file() else {}
    try:
        expand(definition, policies)
    except DefinitionError as error:
        raise DefinitionError(f"{path}: {error}") from error
    return definition


def expand(machine: Json, policies: Json) -> None:
    """Write out each named policy of a machine, in place; retriers in full stay as they are.

    Raises:
        DefinitionError: a state names a policy that is not among `policies`.
    """
    for name, state in states(machine):
        if "Retry" in state:
            state["Retry"] = [_retrier(rule, policies, name) for rule in state["Retry"]]


def states(machine: Json) -> Iterator[tuple[str, Json]]:
    """Names and states of a machine, those inside Map and Parallel states included."""
    for name, state in machine.get("States", {}).items():
        yield name, state
        for inner in (state.get("ItemProcessor"), *state.get("Branches", ())):
            yield from states(inner or {})


def _retrier(rule: Json | str, policies: Json, state: str) -> Json:
    if not isinstance(rule, str):
        return rule
    if rule not in policies:
        expected = ", ".join(policies) or f"none, since there is no {POLICIES} beside it"
        raise DefinitionError(
            f"state {state!r} is retried by {rule!r}. Expected one of: {expected}."
        )
    # The comment is for the reader of retry.json. Not every interpreter allows one in a retrier.
    return {key: value for key, value in policies[rule].items() if key != "Comment"}
