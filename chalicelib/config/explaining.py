"""A mistake in `recdrop.toml` as one sentence that teaches: the key, its value, what was expected.

What was expected comes from the JSON schema, so that the message and an editor say the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from chalicelib import names
from chalicelib.config.schema import Node, Steps, node_at
from chalicelib.errors import shown

_KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "a text",
    "boolean": "true or false",
    "object": "a table",
    "array": "a list",
}


def explain(message: str, raw: dict[str, Any]) -> str:
    """What msgspec found wrong with the file `raw`, in our words.

    msgspec says "Expected `str`, got `int` - at `$.solution[0].name`".
    """
    problem, _, where = message.partition(" - at ")
    steps = _steps(where)
    if unknown := re.search(r"unknown field `(.*)`", problem):
        return _unknown(unknown[1], steps)
    if missing := re.search(r"missing required field `(.*)`", problem):
        expected = expectation(node_at([*steps, missing[1]]))
        return f"Config section {_key(steps)!r} has no key {missing[1]!r}. Expected {expected}."
    # msgspec writes `[...]` for "somewhere in this table": there is no value to show.
    if "..." in where:
        return f"Config key {_key(steps)!r}: {problem}."
    return wrong_value(steps, _value(raw, steps))


def wrong_value(steps: Steps, value: Any) -> str:
    """The key at `steps` has a value that the schema does not take."""
    node = node_at(steps)
    hint = did_you_mean(shown(value).strip("'"), _choices(node), cutoff=0.5)
    return told(_key(steps), value, f"{expectation(node)}.{hint}")


def told(key: str, value: Any, expected: str) -> str:
    """The one form of our messages about a value; `expected` ends in its full stop."""
    return f"Config key {key!r} has value {shown(value)}. Expected {expected}"


def did_you_mean(value: str, choices: Iterable[str], cutoff: float = 0.6) -> str:
    """ " Did you mean 'x'?", or nothing when no choice is near."""
    close = difflib.get_close_matches(value, sorted(choices), n=1, cutoff=cutoff)
    return f" Did you mean {close[0]!r}?" if close else ""


def expectation(node: Node) -> str:
    """What a part of the schema takes, as the end of a sentence that begins with "Expected"."""
    if choices := _choices(node):
        return "one of: " + ", ".join(choices)
    if node.get("pattern") == names.PATTERN:
        return f"a name of 1 to {names.MAX_RESOURCE} letters, digits, '-' or '_'"
    if "pattern" in node and "description" in node:
        return str(node["description"])
    return _range(_KINDS.get(str(node.get("type")), "another type"), node)


def _range(kind: str, node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"{kind} from {low} to {high}"
    return f"{kind} of at least {low}" if low is not None else kind


def _choices(node: Node) -> list[str]:
    return [str(choice) for choice in node.get("enum", ()) if choice is not None]


def _unknown(name: str, section: Steps) -> str:
    known = sorted(node_at(section).get("properties", {}))
    key = _key([*section, name])
    hint = did_you_mean(name, known)
    return f"Config key {key!r} is unknown.{hint} Expected one of: {', '.join(known)}."


def _steps(where: str) -> list[str | int]:
    """msgspec's `$.solution[0].name` as ["solution", 0, "name"]."""
    found = re.findall(r"\.([A-Za-z_]\w*)|\[(\d+)\]", where.strip("`"))
    return [int(index) if index else name for name, index in found]


def _key(steps: Steps) -> str:
    """As a reader finds it in the file: solution[0].name, counted from 0."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")


def _value(raw: Any, steps: Steps) -> Any:
    for step in steps:
        raw = raw[step]
    return raw
