"""Personalize's schema from what the columns hold, and the last shaping of clean files to it.

Limits: Personalize's quota page as of 2025-11.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.documents import ColumnReport
from chalicelib.normalise import engine
from chalicelib.normalise.clean import clean_source, read_header
from chalicelib.normalise.columns import IDS, REQUIRED, RESERVED
from chalicelib.normalise.engine import name
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.files import write_csv
from chalicelib.normalise.rules import MAX_CATEGORY, MAX_TEXT

MAX_METADATA: Mapping[str, int] = {
    "interactions": 5,
    "items": 100,
    "users": 25,
    "actions": 10,
    "action_interactions": 0,
}
MAX_EVENT_TYPES_AND_METADATA = 10
RECORDS: Mapping[str, str] = {
    "interactions": "Interactions",
    "items": "Items",
    "users": "Users",
    "actions": "Actions",
    "action_interactions": "ActionInteractions",
}
_TYPES: Mapping[str, str] = {
    "TIMESTAMP": "long",
    "CREATION_TIMESTAMP": "long",
    "ACTION_EXPIRATION_TIMESTAMP": "long",
    "REPEAT_FREQUENCY": "long",
    "VALUE": "double",
    "EVENT_VALUE": "float",
}
_DOMAIN_REQUIRED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ECOMMERCE", "interactions"): ("EVENT_TYPE",),
    ("ECOMMERCE", "items"): ("PRICE", "CATEGORY_L1"),
    ("VIDEO_ON_DEMAND", "interactions"): ("EVENT_TYPE",),
    ("VIDEO_ON_DEMAND", "items"): ("GENRES", "CREATION_TIMESTAMP"),
}
_DOMAIN_CATEGORICAL = (
    "CATEGORY_L1",
    "CATEGORY_L2",
    "CATEGORY_L3",
    "GENRES",
    "GENRE_L2",
    "GENRE_L3",
    "SUBSCRIPTION_MODEL",
)
_TEXTUAL_NAMES = (
    "PRODUCT_DESCRIPTION",
    "DESCRIPTION",
    "ITEM_DESCRIPTION",
    "OVERVIEW",
    "SUMMARY",
    "TITLE",
    "NAME",
)


@dataclass(frozen=True)
class SchemaPlan:
    """`schema` is the Avro JSON text; `columns` the CSV header that fits it; `left_out` maps a
    column to the reason.
    """

    schema: str
    columns: tuple[str, ...]
    left_out: Mapping[str, str]

    @property
    def textual(self) -> str | None:
        return next(
            (f["name"] for f in json.loads(self.schema)["fields"] if f.get("textual")), None
        )


def infer_schema(
    dataset: str,
    columns: Sequence[ColumnReport],
    rows: int,
    domain: str | None = None,
    *,
    event_types: int = 0,
    categorical: Sequence[str] = (),
    textual: str | None = None,
) -> SchemaPlan:
    """The schema of `dataset` from its merged column reports over `rows` rows.

    `categorical` and `textual` are the config's word. What exceeds Personalize's limits is left
    out, the least useful first.

    :raises SetRejected: a column that the domain requires is missing or incomplete; items or users
        have no usable metadata.
    """
    fixed = [
        c
        for c in columns
        if c.name in REQUIRED[dataset] or (c.name in RESERVED[dataset] and c.filled)
    ]
    _check_domain(dataset, columns, rows, domain)
    metadata = [
        c for c in columns if c.name not in REQUIRED[dataset] and c.name not in RESERVED[dataset]
    ]
    left_out = {
        c.name: "it has no value in any row" for c in columns if not c.filled and c not in fixed
    }
    text = _textual(dataset, metadata, rows, textual)
    usable = []
    for column in metadata:
        if (
            column.filled
            and column.max_length > MAX_CATEGORY
            and column.name != text
            and column.name in categorical
        ):
            left_out[column.name] = (
                f"it has values of more than {MAX_CATEGORY:,} characters, too long for a category"
            )
        elif column.filled:
            usable.append(column)
    limit = _metadata_limit(dataset, event_types)
    required = _DOMAIN_REQUIRED.get((domain or "", dataset), ())
    ranked = sorted(
        usable, key=lambda c: (c.name not in required, -_worth(c, rows, c.name == text), c.name)
    )
    for column in ranked[limit:]:
        left_out[column.name] = (
            f"{RECORDS[dataset]} take at most {limit} metadata columns here, and others say more"
        )
    chosen = {c.name for c in ranked[:limit]}
    fields = [
        _field(c, rows, dataset, text, categorical)
        for c in columns
        if c in fixed or c.name in chosen
    ]
    if dataset in ("items", "users", "actions") and not any(f["name"] not in IDS for f in fields):
        raise SetRejected(
            "no-metadata",
            f"The {dataset} have no column besides {REQUIRED[dataset][0]}. Expected at least one metadata column with values.",
        )
    record = {
        "type": "record",
        "name": RECORDS[dataset],
        "namespace": "com.amazonaws.personalize.schema",
        "fields": fields,
        "version": "1.0",
    }
    return SchemaPlan(
        json.dumps(record, separators=(",", ":")), tuple(f["name"] for f in fields), left_out
    )


def keep_schema(live: str, dataset: str, columns: Sequence[ColumnReport], rows: int) -> SchemaPlan:
    """The schema that a dataset has already, if this export fits it: Personalize's schemas cannot
    be changed.

    New columns are left out; missing ones become empty where the schema allows null.

    :raises SetRejected: a column that may not be empty is missing or incomplete, or a number has
        become text.
    """
    have = {c.name: c for c in columns}
    fields = json.loads(live)["fields"]
    for field in fields:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        column = have.get(field["name"])
        filled = column.filled if column else 0
        if "null" not in kinds and filled < rows:
            raise SetRejected(
                "schema-drift",
                f"Column {field['name']} of {dataset} is empty in {rows - filled:,} of {rows:,} rows. "
                "Expected a value in every row, as in the export that made the dataset's schema.",
            )
        if column and column.kind in ("text", "id") and not set(kinds) & {"string"}:
            raise SetRejected(
                "schema-drift",
                f"Column {field['name']} of {dataset} holds text. Expected {kinds[-1]}, as in the export that made the dataset's schema.",
            )
        if column and column.kind == "number" and not set(kinds) & {"string", "float", "double"}:
            raise SetRejected(
                "schema-drift",
                f"Column {field['name']} of {dataset} holds fractions. Expected {kinds[-1]}, "
                "as in the export that made the dataset's schema.",
            )
    names = tuple(field["name"] for field in fields)
    return SchemaPlan(
        live,
        names,
        {name: "the dataset's schema does not have it" for name in have if name not in names},
    )


def shape_csv(source: Path, target: Path, schema: str, memory_mb: int = engine.MEMORY_MB) -> bool:
    """Write `source` with exactly the schema's columns, in its order, values cut to its limits.
    False (and no file) when it fits already.

    A category is cut at a `|`, a text at 20,000 characters, other strings at 1,000; columns that
    the file lacks become empty.
    """
    fields = json.loads(schema)["fields"]
    header = read_header(source)
    wanted = tuple(f["name"] for f in fields)
    with engine.connect(target.parent / "scratch", memory_mb=memory_mb) as connection:
        limits = {
            f["name"]: MAX_TEXT if f.get("textual") else MAX_CATEGORY
            for f in fields
            if _is_string(f["type"])
        }
        long = [
            c
            for c in wanted
            if c in header and c in limits and c not in IDS and limits[c] < MAX_TEXT
        ]
        if header == wanted and not (long and _any_longer(connection, source, long, limits)):
            return False
        cells = ", ".join(
            f"{_cut(c, limits.get(c))} AS {name(c)}" if c in header else f"NULL AS {name(c)}"
            for c in wanted
        )
        write_csv(connection, f"SELECT {cells} FROM {clean_source([source])}", target)
    return True


def _any_longer(
    connection: Any, source: Path, columns: Sequence[str], limits: Mapping[str, int]
) -> bool:
    longer = " OR ".join(f"length({name(c)}) > {limits[c]}" for c in columns)
    return bool(
        connection.execute(
            f"SELECT coalesce(bool_or({longer}), false) FROM {clean_source([source])}"
        ).fetchone()[0]
    )


def _cut(column: str, limit: int | None) -> str:
    cell = name(column)
    if limit is None or column in IDS:
        return cell
    if limit == MAX_TEXT:
        return f"left({cell}, {limit})"
    at_a_bar = f"regexp_replace(left({cell}, {limit + 1}), '\\|[^|]*$', '')"
    return (
        f"CASE WHEN length({cell}) <= {limit} THEN {cell} WHEN contains(left({cell}, {limit + 1}), '|') THEN {at_a_bar} "
        f"ELSE left({cell}, {limit}) END"
    )


def _is_string(kind: Any) -> bool:
    return kind == "string" or (isinstance(kind, list) and "string" in kind)


def _check_domain(
    dataset: str, columns: Sequence[ColumnReport], rows: int, domain: str | None
) -> None:
    have = {c.name: c for c in columns}
    for required in _DOMAIN_REQUIRED.get((domain or "", dataset), ()):
        if required not in have:
            raise SetRejected(
                "domain",
                f"Domain {domain} needs a column {required} in {dataset}. Found: {', '.join(have)}. "
                "Map it in recdrop.toml, or leave the domain out.",
            )
        if have[required].filled < rows and required in ("EVENT_TYPE", "CREATION_TIMESTAMP"):
            raise SetRejected(
                "domain",
                f"Domain {domain} needs {required} in every row of {dataset}; {rows - have[required].filled:,} rows have none.",
            )


def _metadata_limit(dataset: str, event_types: int) -> int:
    limit = MAX_METADATA[dataset]
    return (
        max(0, min(limit, MAX_EVENT_TYPES_AND_METADATA - event_types))
        if dataset == "interactions"
        else limit
    )


def _textual(
    dataset: str, metadata: Sequence[ColumnReport], rows: int, wanted: str | None
) -> str | None:
    """The one textual column of items: the config's, else a description by name, else the longest
    running text.
    """
    if dataset != "items":
        return None
    texts = {c.name: c for c in metadata if c.kind == "text" and c.filled}
    if wanted is not None:
        return wanted.upper() if wanted.upper() in texts else None
    varied = [
        c for c in texts.values() if c.distinct > 0.5 * c.filled and c.multi_valued < 0.1 * c.filled
    ]
    named = [c.name for n in _TEXTUAL_NAMES for c in varied if c.name == n]
    if named:
        return named[0]
    longest = max(varied, key=lambda c: (c.mean_length, c.name), default=None)
    return longest.name if longest is not None and longest.mean_length >= 20 and rows > 1 else None


def _is_category(column: ColumnReport, categorical: Sequence[str]) -> bool:
    if column.name in {c.upper() for c in categorical} or column.name in _DOMAIN_CATEGORICAL:
        return True
    if column.max_length > MAX_CATEGORY:
        return False
    few = column.distinct <= max(20, 0.5 * column.filled)
    return few or column.multi_valued > 0


def _is_code(column: ColumnReport) -> bool:
    """Store 330 is a name, not a quantity."""
    return (
        column.kind == "integer" and column.name.endswith(("_ID", "_CODE", "_ZIP", "_KEY"))
    ) or column.name in (
        "ZIP",
        "ZIPCODE",
        "POSTCODE",
    )


def _worth(column: ColumnReport, rows: int, is_text: bool) -> float:
    """Filled, and neither constant nor unique."""
    share = column.filled / max(rows, 1)
    varied = 0.0 if column.distinct < 2 else 1.0
    unique = (
        0.0
        if column.distinct > 0.5 * column.filled and column.kind != "number" and not is_text
        else 1.0
    )
    kind = 1.0 if column.kind == "text" else 0.5 if not _is_code(column) else 0.25
    return share + 2 * varied + 2 * unique + kind


def _field(
    column: ColumnReport, rows: int, dataset: str, text: str | None, categorical: Sequence[str]
) -> dict[str, Any]:
    if column.name in REQUIRED[dataset]:
        return {"name": column.name, "type": _TYPES.get(column.name, "string")}
    if column.name in RESERVED[dataset]:
        return {
            "name": column.name,
            "type": _nullable(_TYPES.get(column.name, "string"), column.filled < rows),
        }
    kind = "string"
    if (
        column.kind in ("integer", "number")
        and not _is_code(column)
        and column.name not in {c.upper() for c in categorical}
    ):
        kind = "long" if column.kind == "integer" and column.name != "PRICE" else "float"
    elif column.kind == "timestamp":
        kind = "long"
    field: dict[str, Any] = {"name": column.name, "type": _nullable(kind, column.filled < rows)}
    if kind == "string" and column.name == text:
        field["textual"] = True
    elif kind == "string" and _is_category(column, categorical):
        field["categorical"] = True
    return field


def _nullable(kind: str, has_nulls: bool) -> str | list[str]:
    return ["null", kind] if has_nulls else kind
