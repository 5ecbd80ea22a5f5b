"""The fields of JSON objects as columns, by their dotted names: all that the whole file has.

    {"user": {"id": 7}}                                    user.id
    {"tags": ["a", "b"]}                                   tags, as a|b
    {"items": [{"sku": "x"}, {"sku": "y"}]}                items.sku, as x|y
    {"params": [{"key": "page", "value": {"string_value": "/"}}]}   params.page, as GA4 has it

A list of objects gives a row for each of them when an id lies in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.normalise.bytes.dialect import MAX_COLUMNS
from chalicelib.normalise.engine import literal
from chalicelib.vocabulary.datasets import IDS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_DEPTH = 3  # of dots in the name of a field
MAX_KEYS = 100  # of a list of keys and values
_BATCH = 1000
# Segment's "Order Completed" holds a list of products: each is an interaction of its own.
PRODUCTS = "properties.products"
ITEM_FIELD = "properties.sku"
_OF_A_PRODUCT = ("sku", "product_id")


@dataclass
class Fields:
    """`expressions` are SQL over the object j, by name; `lists` are the fields with lists of objects.

    `inner` maps a field of a list's objects to (the list, its name there).
    """

    expressions: dict[str, str] = field(default_factory=dict)
    lists: list[str] = field(default_factory=list)
    inner: dict[str, tuple[str, str]] = field(default_factory=dict)

    def rows(self, objects: str, columns: Mapping[str, str]) -> str:
        """The SQL table of rows: _line, _unreadable, and the fields as _c0, _c1, ..."""
        rows = f"SELECT row_number() OVER () AS _line, j FROM ({objects})"
        cells = dict(self.expressions)
        if each := self._each(columns):
            rows = _for_each(rows, each)
            cells |= {name: _text("p", own) for name, (of, own) in self.inner.items() if of == each}
            if each == PRODUCTS:
                names = [_text("p", own) for own in _OF_A_PRODUCT]
                cells[ITEM_FIELD] = f"coalesce({', '.join(names)}, {_text('j', ITEM_FIELD)})"
        # One call for all plain fields: each call takes the whole object apart, and keeps its memory.
        plain = [name for name, cell in cells.items() if cell == _text("j", name)]
        cells |= {name: f"_v[{place}]" for place, name in enumerate(plain, 1)}
        paths = ", ".join(map(_path, plain))
        values = f"json_extract_string(j, [{paths}])" if plain else "NULL"
        listed = ", ".join(f"{cell} AS _c{i}" for i, cell in enumerate(cells.values()))
        return (
            f"(SELECT _line, j IS NULL AS _unreadable, {listed} "
            f"FROM (SELECT *, {values} AS _v FROM ({rows})))"
        )

    def _each(self, columns: Mapping[str, str]) -> str | None:
        """The list each of whose objects is a row."""
        ids = [name for target, name in columns.items() if target in IDS]
        found = [of for name, (of, _) in self.inner.items() if name in ids]
        if found:
            return found[0]
        return PRODUCTS if PRODUCTS in self.lists and ITEM_FIELD in ids else None


def find_fields(connection: DuckDBPyConnection, objects: str) -> Fields:
    """The fields of all objects, which are column j of the query `objects`."""
    found = Fields()
    _collect(connection, objects, _structure(connection, objects), "", found)
    if PRODUCTS in found.lists:
        found.expressions.setdefault(ITEM_FIELD, _text("j", ITEM_FIELD))
    found.expressions = dict(list(found.expressions.items())[:MAX_COLUMNS])
    return found


def _structure(connection: DuckDBPyConnection, objects: str) -> dict[str, Any]:
    """Fields and the kinds of their values, over all objects together.

    Objects of the same structure are many. DuckDB's json_group_structure would do all of this, and
    keeps each object in memory.
    """
    found = connection.execute(
        f"SELECT json_structure(j) AS structure, min(_line) AS line FROM ("
        f"SELECT j, row_number() OVER () AS _line FROM ({objects})) "
        "WHERE json_type(j) = 'OBJECT' GROUP BY 1 ORDER BY line"
    )
    structure: Any = {}
    while rows := found.fetchmany(_BATCH):
        for text, _ in rows:
            structure = _both(structure, json.loads(text))
    return structure if isinstance(structure, dict) else {}  # of {} DuckDB says "JSON"


def _both(one: Any, other: Any) -> Any:
    """The structure that has what either has."""
    if isinstance(one, dict) and isinstance(other, dict):
        merged = dict(one)
        for name, inner in other.items():
            merged[name] = _both(merged[name], inner) if name in merged else inner
        return merged
    if isinstance(one, list) and isinstance(other, list) and one and other:
        return [_both(one[0], other[0])]
    # Null, or an empty list, says nothing of what others have.
    return one if isinstance(one, dict | list) and one else other


def _collect(
    connection: DuckDBPyConnection,
    objects: str,
    structure: Mapping[str, Any],
    prefix: str,
    found: Fields,
) -> None:
    for key, kind in structure.items():
        name = prefix + key
        if isinstance(kind, dict) and prefix.count(".") < MAX_DEPTH:
            _collect(connection, objects, kind, f"{name}.", found)
        elif isinstance(kind, list) and kind and isinstance(kind[0], dict):
            found.lists.append(name)
            if kind[0].keys() == {"key", "value"}:
                found.expressions |= _keyed(connection, objects, name, kind[0]["value"])
            else:
                for own in kind[0]:
                    found.inner[f"{name}.{own}"] = (name, own)
                    found.expressions[f"{name}.{own}"] = _joined(name, own)
        else:
            found.expressions[name] = _text("j", name)


def _keyed(connection: DuckDBPyConnection, objects: str, name: str, value: Any) -> dict[str, str]:
    """A field for each key of a list of keys and values."""
    entries = f"CAST(json_extract(j, {_path(name, '[*]')}) AS JSON[])"
    keys = connection.execute(
        f"SELECT DISTINCT unnest({entries}) ->> '$.key' AS key FROM ({objects}) "
        f"ORDER BY key LIMIT {MAX_KEYS}"
    ).fetchall()
    inner = [f"value.{kind}" for kind in value] if isinstance(value, dict) else ["value"]
    texts = ", ".join(_text("x", step) for step in inner)
    return {
        f"{name}.{key}": (
            f"list_extract(list_transform(list_filter({entries}, "
            f"lambda x: x ->> '$.key' = {literal(key)}), lambda x: coalesce({texts}, NULL)), 1)"
        )
        for (key,) in keys
        if key
    }


def _for_each(rows: str, name: str) -> str:
    """Each row as often as its list has objects, with one of them as column p; once with none."""
    listed = f"CAST(json_extract(j, {_path(name, '[*]')}) AS JSON[])"
    each = f"CASE WHEN len({listed}) > 0 THEN {listed} ELSE [NULL] END"
    return f"SELECT _line, j, unnest({each}) AS p FROM ({rows})"


def _text(value: str, name: str) -> str:
    return f"json_extract_string({value}, {_path(name)})"


def _joined(name: str, own: str) -> str:
    path = _path(name, f"[*].{json.dumps(own, ensure_ascii=False)}")
    return f"nullif(array_to_string(json_extract_string(j, {path}), '|'), '')"


def _path(name: str, end: str = "") -> str:
    steps = (json.dumps(step, ensure_ascii=False) for step in name.split("."))
    return literal("$." + ".".join(steps) + end)
