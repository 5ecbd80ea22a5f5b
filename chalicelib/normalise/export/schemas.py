"""Personalize's schema from what the columns hold, or whether an export fits the one there is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.documents import ColumnReport
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.export.fields import Fields, textual_column, worth
from chalicelib.vocabulary.datasets import DATASETS, IDS, Dataset
from chalicelib.vocabulary.limits import MAX_CATEGORY

MAX_EVENT_TYPES_AND_METADATA = 10
_MOST = 0.5
# Of what a domain requires, these must have a value in every row.
_NEVER_NULL = ("EVENT_TYPE", "CREATION_TIMESTAMP")


@dataclass(frozen=True)
class SchemaPlan:
    """`schema` is the Avro JSON text, `columns` the CSV header that fits it.

    `left_out` maps a column to the reason.
    """

    schema: str
    columns: tuple[str, ...]
    left_out: Mapping[str, str]


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

    `event_types` is their number. `categorical` and `textual` are the config's word. What exceeds
    Personalize's limits is left out, the least useful first.

    Raises:
        SetRejected: a column that the domain requires is missing or incomplete; items, users or
            actions have no usable metadata.
    """
    kind = DATASETS[dataset]
    required = kind.domain_required.get(domain or "", ())
    _check_domain(kind, columns, rows, domain, required)

    # What must or may be there by its name: it takes no place of the metadata.
    own = [c for c in columns if c.name in kind.required or (c.name in kind.reserved and c.filled)]
    metadata = [c for c in columns if c.name not in kind.own]
    text = textual_column(kind, metadata, rows, textual)
    capitals = frozenset(name.upper() for name in categorical)
    fields = Fields(kind, rows, text, capitals, required if domain else None)

    left_out = {
        c.name: "it has no value in any row" for c in columns if not c.filled and c not in own
    }
    left_out |= _too_long(metadata, fields)
    usable = [c for c in metadata if c.name not in left_out]
    chosen, beyond = _choose(usable, fields, required, _metadata_limit(kind, event_types))
    left_out |= beyond

    wanted = [fields.field(c) for c in columns if c in own or c in chosen]
    _check_metadata(kind, wanted)
    return SchemaPlan(_avro(kind, wanted), tuple(field["name"] for field in wanted), left_out)


def keep_schema(live: str, dataset: str, columns: Sequence[ColumnReport], rows: int) -> SchemaPlan:
    """The schema that a dataset has already, if this export fits it.

    Personalize's schemas cannot be changed. So new columns are left out; missing ones become empty
    where the schema allows null.

    Raises:
        SetRejected: a column that may not be empty is missing or incomplete, or a number has become
            text.
    """
    have = {column.name: column for column in columns}
    fields = json.loads(live)["fields"]
    for field in fields:
        _check_drift(field, dataset, have.get(field["name"]), rows)
    names = tuple(field["name"] for field in fields)
    reason = "the dataset's schema does not have it"
    return SchemaPlan(live, names, {name: reason for name in have if name not in names})


def extend_schema(
    live: str, wanted: SchemaPlan, dataset: str, columns: Sequence[ColumnReport], rows: int
) -> SchemaPlan:
    """The live schema and the columns that `wanted`, inferred from this export, has besides.

    Personalize lets a schema grow, of items and users only: old fields stay as they are, new ones
    may be null.

    Raises:
        SetRejected: the dataset's schema cannot grow, or the export breaks it.
    """
    kept, kind = keep_schema(live, dataset, columns, rows), DATASETS[dataset]
    fields = json.loads(live)["fields"]
    new = [f for f in json.loads(wanted.schema)["fields"] if f["name"] not in kept.columns]
    if new and not kind.grows:
        raise SetRejected(
            "schema-fixed",
            f"The export of {dataset} has columns that the dataset's schema lacks: "
            f"{', '.join(field['name'] for field in new)}. Personalize replaces the schema of items "
            'and users only. Set source.schema = "keep" to leave them out, or drop the export '
            "into a group of its own.",
        )
    room = kind.max_metadata - sum(name not in kind.own for name in kept.columns)
    has_text = any(field.get("textual") for field in fields)
    left_out = {name: wanted.left_out.get(name, why) for name, why in kept.left_out.items()}
    for field in new:
        if has_text and field.get("textual"):
            left_out[field["name"]] = "the dataset's schema has a textual column already"
        elif room <= 0:
            left_out[field["name"]] = f"{kind.record} take at most {kind.max_metadata} of them"
        else:
            room -= 1
            fields.append({**field, "type": _nullable(field["type"])})
            del left_out[field["name"]]
    if len(fields) == len(kept.columns):
        return SchemaPlan(live, kept.columns, left_out)
    return SchemaPlan(_avro(kind, fields), tuple(field["name"] for field in fields), left_out)


def _nullable(types: str | list[str]) -> list[str]:
    listed = [types] if isinstance(types, str) else types
    return listed if "null" in listed else ["null", *listed]


# -- inferring -------------------------------------------------------------------------------------


def _check_domain(
    kind: Dataset,
    columns: Sequence[ColumnReport],
    rows: int,
    domain: str | None,
    required: Sequence[str],
) -> None:
    have = {column.name: column for column in columns}
    for name in required:
        if name not in have:
            raise SetRejected(
                "domain",
                f"Domain {domain} needs a column {name} in {kind.name}. Found: {', '.join(have)}. "
                "Map it in recdrop.toml, or leave the domain out.",
            )
        if not have[name].filled:
            raise SetRejected(
                "domain",
                f"Domain {domain} needs {name} in {kind.name}, and no row has one that can be read "
                f"(column {have[name].source!r}).",
            )
        missing = rows - have[name].filled
        if missing > 0 and name in _NEVER_NULL:
            raise SetRejected(
                "domain",
                f"Domain {domain} needs {name} in every row of {kind.name}; "
                f"{missing:,} rows have none.",
            )


def _too_long(metadata: Sequence[ColumnReport], fields: Fields) -> dict[str, str]:
    """Columns that the config calls categories and most of whose values cannot be any."""
    reason = (
        f"most of its values have more than {MAX_CATEGORY:,} characters, too long for a category"
    )
    return {
        column.name: reason
        for column in metadata
        if column.too_long > _MOST * column.filled
        and column.name in fields.categorical
        and column.name != fields.text
    }


def _metadata_limit(kind: Dataset, event_types: int) -> int:
    if kind.name != "interactions":
        return kind.max_metadata
    # Personalize counts event types and metadata of interactions together.
    return max(0, min(kind.max_metadata, MAX_EVENT_TYPES_AND_METADATA - event_types))


def _choose(
    usable: Sequence[ColumnReport], fields: Fields, required: Sequence[str], limit: int
) -> tuple[list[ColumnReport], dict[str, str]]:
    """(the `limit` most useful columns, the reason by name for all others)."""

    def rank(column: ColumnReport) -> tuple[bool, float, str]:
        use = worth(column, fields.rows, is_text=column.name == fields.text)
        return column.name not in required, -use, column.name

    ranked = sorted(usable, key=rank)
    reason = (
        f"{fields.dataset.record} take at most {limit} metadata columns here, and others say more"
    )
    return ranked[:limit], {column.name: reason for column in ranked[limit:]}


def _check_metadata(kind: Dataset, fields: Sequence[Mapping[str, Any]]) -> None:
    """A dataset of keys alone says nothing, and Personalize refuses it."""
    if kind.key and all(field["name"] in IDS for field in fields):
        raise SetRejected(
            "no-metadata",
            f"The {kind.name} have no column besides {kind.required[0]}. "
            "Expected at least one metadata column with values.",
        )


def _avro(kind: Dataset, fields: Sequence[Mapping[str, Any]]) -> str:
    record = {
        "type": "record",
        "name": kind.record,
        "namespace": "com.amazonaws.personalize.schema",
        "fields": fields,
        "version": "1.0",
    }
    return json.dumps(record, separators=(",", ":"))


# -- keeping ---------------------------------------------------------------------------------------


def _check_drift(
    field: Mapping[str, Any], dataset: str, column: ColumnReport | None, rows: int
) -> None:
    """Whether the export's column (None: it has none) fits the live schema's field."""
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    missing = rows - (column.filled if column else 0)
    if "null" not in kinds and missing > 0:
        raise _drift(
            field, dataset, f"is empty in {missing:,} of {rows:,} rows", "a value in every row"
        )
    if column is None:
        return
    if column.kind in ("text", "id") and "string" not in kinds:
        raise _drift(field, dataset, "holds text", kinds[-1])
    if column.kind == "number" and not {"string", "float", "double"}.intersection(kinds):
        raise _drift(field, dataset, "holds fractions", kinds[-1])


def _drift(field: Mapping[str, Any], dataset: str, found: str, expected: str) -> SetRejected:
    return SetRejected(
        "schema-drift",
        f"Column {field['name']} of {dataset} {found}. "
        f"Expected {expected}, as in the export that made the dataset's schema.",
    )
