"""The JSON Schema of `recdrop.toml`, and how to find the part of it that a key of the file is about.

Editors read it (docs/recdrop.schema.json is this, written down), and so do our own error messages.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from chalicelib.config.sections import Config
from chalicelib.vocabulary.datasets import DATASETS
from chalicelib.vocabulary.metrics import METRICS
from chalicelib.vocabulary.recipes import RECIPES
from chalicelib.vocabulary.use_cases import USE_CASES

Node = dict[str, Any]
# The way to a key from the top of the file, with indexes in lists: ("solution", 0, "recipe").
Steps = Sequence[str | int]

# Keys whose value is the name of a row of a table, by (section, key). The tables are asked each time:
# a recipe that is added as a row while we run is a choice as well.
CHOICES: Mapping[tuple[str, str], Collection[str]] = {
    ("Solution", "recipe"): RECIPES,
    ("Recommender", "use_case"): USE_CASES,
    ("Gate", "metric"): METRICS,
    ("Dataset", "dataset"): DATASETS,
}


def json_schema() -> Node:
    """The whole schema, with the tables' rows as enums."""
    # Defaults are tuples until they are written: editors and comparisons want lists.
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Config)))
    for section in schema["$defs"].values():
        # Up to 3.12 Python keeps the indentation of a docstring's later lines, from 3.13 on it does not.
        if "description" in section:
            section["description"] = inspect.cleandoc(section["description"])
    for (name, key), table in CHOICES.items():
        schema["$defs"][name]["properties"][key]["enum"] = sorted(table)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "recdrop.toml",
        **schema,
    }


def node_at(steps: Steps) -> Node:
    """What the schema says of the key at `steps`; {} for a key that it does not know."""
    schema = json_schema()
    node = _resolve(schema, schema)
    for step in steps:
        node = _resolve(_inner(node, step) or {}, schema)
    return node


def _inner(node: Node, step: str | int) -> Node | None:
    if isinstance(step, int):
        return node.get("items")
    # A free table, such as `columns`, has no properties but says what its values are.
    return node.get("properties", {}).get(step) or node.get("additionalProperties")


def _resolve(node: Node, schema: Node) -> Node:
    """The node itself: references followed, of "this or null" this."""
    if "$ref" in node:
        return _resolve(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], schema)
    for choice in node.get("anyOf", ()):
        if choice.get("type") != "null":
            outer = {key: value for key, value in node.items() if key != "anyOf"}
            return _resolve(outer | choice, schema)
    return node
