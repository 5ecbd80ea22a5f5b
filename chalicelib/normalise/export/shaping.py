"""The last step of a clean file before its import: exactly the schema's columns, within its limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.normalise import engine
from chalicelib.normalise.engine import fetch_row, name
from chalicelib.normalise.rows.clean import clean_source, has_backslash, read_header, write_csv
from chalicelib.vocabulary.datasets import IDS
from chalicelib.vocabulary.limits import MAX_CATEGORY, MAX_TEXT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def shape_csv(source: Path, target: Path, schema: str, memory_mb: int = engine.MEMORY_MB) -> bool:
    """Write `source` with the columns of `schema` (Avro JSON text), in its order.

    False, and no file, when it fits already. A category is cut at a `|`, a text at 20,000
    characters, other strings at 1,000; columns that the file lacks become empty.
    """
    fields = json.loads(schema)["fields"]
    header, wanted = read_header(source), tuple(field["name"] for field in fields)
    limits = {field["name"]: _limit(field) for field in fields if _is_cut(field)}
    with engine.connect(target.parent / "scratch", memory_mb=memory_mb) as connection:
        if header == wanted and not _has_longer(connection, source, limits):
            return False
        cells = ", ".join(_cell(column, header, limits) for column in wanted)
        select = f"SELECT {cells} FROM {clean_source([source])}"
        write_csv(connection, select, target, backslashes=has_backslash(source))
    return True


def _is_cut(field: Mapping[str, Any]) -> bool:
    """Ids have a limit of their own, which the row rules keep."""
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return "string" in kinds and field["name"] not in IDS


def _limit(field: Mapping[str, Any]) -> int:
    """In characters."""
    return MAX_TEXT if field.get("textual") else MAX_CATEGORY


def _has_longer(connection: DuckDBPyConnection, source: Path, limits: Mapping[str, int]) -> bool:
    # The row rules have cut every value to MAX_TEXT already.
    longer = [
        f"length({name(column)}) > {limit}" for column, limit in limits.items() if limit < MAX_TEXT
    ]
    if not longer:
        return False
    any_row = f"coalesce(bool_or({' OR '.join(longer)}), false)"
    (found,) = fetch_row(connection, f"SELECT {any_row} FROM {clean_source([source])}")
    return bool(found)


def _cell(column: str, header: Sequence[str], limits: Mapping[str, int]) -> str:
    if column not in header:
        return f"NULL AS {name(column)}"
    return f"{_cut(name(column), limits.get(column))} AS {name(column)}"


def _cut(cell: str, limit: int | None) -> str:
    if limit is None:
        return cell
    if limit == MAX_TEXT:
        return f"left({cell}, {limit})"
    # One character more than fits, so that a value which ends right at the limit stays whole.
    beginning = f"left({cell}, {limit + 1})"
    at_a_bar = f"regexp_replace({beginning}, '\\|[^|]*$', '')"
    return (
        f"CASE WHEN length({cell}) <= {limit} THEN {cell} "
        f"WHEN contains({beginning}, '|') THEN {at_a_bar} "
        f"ELSE left({cell}, {limit}) END"
    )
