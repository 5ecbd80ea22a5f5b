"""Avro schemas of Personalize datasets: checked by every documented rule, kept as plain fields.

What the service was seen to accept against its documents is accepted with a warning, and refused
when `strict`: a version absent, 1 or "1.1", and a number that is declared categorical. Evidence:
outputs of AWS's own notebooks.

Not here: where schemas are stored, and the rules of the data itself (csvrules.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

MAX_SCHEMA = 20_000
NAMESPACE = "com.amazonaws.personalize.schema"
VERSION = "1.0"
SEEN_VERSIONS = (None, 1, "1.1")  # accepted by the service, documented nowhere
TYPES = ("string", "int", "long", "float", "double", "boolean")
NUMBERS = ("int", "long", "float", "double")
DOMAINS = ("ECOMMERCE", "VIDEO_ON_DEMAND")

RECORD_NAMES = {
    "Interactions": "INTERACTIONS",
    "Items": "ITEMS",
    "Users": "USERS",
    "Actions": "ACTIONS",
    "ActionInteractions": "ACTION_INTERACTIONS",
}
DATASET_TYPES = tuple(RECORD_NAMES.values())


_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")  # as Avro allows names


class SchemaError(ValueError):
    """The schema breaks a rule; the message names the value and what was expected."""


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    nullable: bool = False
    categorical: bool = False
    textual: bool = False
    item_name: bool = False

    @property
    def is_number(self) -> bool:
        return self.type in NUMBERS


@dataclass(frozen=True)
class Requirement:
    """What a reserved or required field must look like. An empty `types` allows any type."""

    types: tuple[str, ...] = ("string",)
    nullable: bool = False
    categorical: bool | None = None  # None: free
    textual: bool | None = False


@dataclass(frozen=True)
class Rules:
    required: Mapping[str, Requirement]
    reserved: Mapping[str, Requirement] = field(default_factory=dict)
    max_metadata: int = 0
    min_metadata: int = 0


_ID = Requirement(categorical=False)
_TIME = Requirement(("long",))
_EVENT_TYPE = Requirement(categorical=False)
_NOTE = Requirement(nullable=True, categorical=False)
_LABEL = Requirement(nullable=True, categorical=True)
_NUMBER = Requirement(NUMBERS, nullable=True)

_EVENT = {"USER_ID": _ID, "ITEM_ID": _ID, "TIMESTAMP": _TIME}
_EVENT_RESERVED = {
    "EVENT_TYPE": Requirement(nullable=True, categorical=False),
    "EVENT_VALUE": Requirement(("float",), nullable=True),
    "IMPRESSION": _NOTE,
    "RECOMMENDATION_ID": _NOTE,
    "EVENT_ATTRIBUTION_SOURCE": _NOTE,
}
_AGES = Requirement(("long",), nullable=True)

RULES: Mapping[tuple[str | None, str], Rules] = {
    (None, "INTERACTIONS"): Rules(_EVENT, _EVENT_RESERVED, max_metadata=5),
    (None, "ITEMS"): Rules(
        {"ITEM_ID": _ID}, {"CREATION_TIMESTAMP": _AGES}, max_metadata=100, min_metadata=1
    ),
    (None, "USERS"): Rules({"USER_ID": _ID}, max_metadata=25, min_metadata=1),
    (None, "ACTIONS"): Rules(
        {"ACTION_ID": _ID},
        {
            "VALUE": _NUMBER,
            "CREATION_TIMESTAMP": _AGES,
            "ACTION_EXPIRATION_TIMESTAMP": _AGES,
            "REPEAT_FREQUENCY": Requirement(("int", "long"), nullable=True),
        },
        max_metadata=10,
        min_metadata=1,
    ),
    (None, "ACTION_INTERACTIONS"): Rules(
        {"USER_ID": _ID, "ACTION_ID": _ID, "EVENT_TYPE": _EVENT_TYPE, "TIMESTAMP": _TIME},
        {"RECOMMENDATION_ID": _NOTE, "IMPRESSION": _NOTE},
        max_metadata=5,
    ),
    ("ECOMMERCE", "INTERACTIONS"): Rules(
        {**_EVENT, "EVENT_TYPE": _EVENT_TYPE}, _EVENT_RESERVED, max_metadata=5
    ),
    ("ECOMMERCE", "ITEMS"): Rules(
        {"ITEM_ID": _ID, "PRICE": Requirement(("float",), nullable=True), "CATEGORY_L1": _LABEL},
        {
            "CATEGORY_L2": _LABEL,
            "CATEGORY_L3": _LABEL,
            "PRODUCT_DESCRIPTION": Requirement(nullable=True, textual=True),
            # The guide's table says float, its sample long.
            "CREATION_TIMESTAMP": Requirement(("long", "float"), nullable=True),
            "AGE_GROUP": _LABEL,
            "ADULT": _LABEL,
            "GENDER": _LABEL,
        },
        max_metadata=100,
        min_metadata=1,
    ),
    ("ECOMMERCE", "USERS"): Rules({"USER_ID": _ID}, max_metadata=25, min_metadata=1),
    ("VIDEO_ON_DEMAND", "INTERACTIONS"): Rules(
        {**_EVENT, "EVENT_TYPE": _EVENT_TYPE}, _EVENT_RESERVED, max_metadata=5
    ),
    ("VIDEO_ON_DEMAND", "ITEMS"): Rules(
        {"ITEM_ID": _ID, "GENRES": _LABEL, "CREATION_TIMESTAMP": _AGES},
        {
            "PRICE": _NUMBER,
            "DURATION": _NUMBER,
            "GENRE_L2": _LABEL,
            "GENRE_L3": _LABEL,
            "AVERAGE_RATING": _NUMBER,
            "PRODUCT_DESCRIPTION": Requirement(nullable=True, textual=True),
            "CONTENT_OWNER": _LABEL,
            "CONTENT_CLASSIFICATION": _LABEL,
        },
        max_metadata=100,
        min_metadata=1,
    ),
    ("VIDEO_ON_DEMAND", "USERS"): Rules(
        {"USER_ID": _ID}, {"SUBSCRIPTION_MODEL": _LABEL}, max_metadata=25, min_metadata=1
    ),
}


@dataclass(frozen=True)
class DatasetSchema:
    dataset_type: str
    fields: tuple[Field, ...]
    domain: str | None = None
    warnings: tuple[str, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.fields)

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            KeyError: there is none.
        """
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {spec.name: spec for spec in self.fields}

    @property
    def metadata(self) -> tuple[Field, ...]:
        """Fields that are neither ids nor reserved for the service's own use."""
        own = _own_names(self.dataset_type, self.domain)
        return tuple(spec for spec in self.fields if spec.name not in own)


@lru_cache(maxsize=512)
def parse_schema(
    avro_json: str, *, domain: str | None = None, strict: bool = False
) -> DatasetSchema:
    """Reads and checks an Avro schema; the dataset type comes from the record's name.

    `strict` refuses what would only be warned of.

    Raises:
        SchemaError: it breaks a rule of the service.
    """
    if len(avro_json) > MAX_SCHEMA:
        raise SchemaError(
            f"The schema has {len(avro_json)} characters. Expected at most {MAX_SCHEMA}."
        )
    if domain is not None and domain not in DOMAINS:
        raise SchemaError(f"The domain is {domain!r}. Expected one of: {', '.join(DOMAINS)}.")
    record = _read_record(avro_json)
    dataset_type = _dataset_type(record.get("name"), domain)
    warnings = [*_doubts_of_version(record), *_doubts_of_fields(record["fields"])]
    if strict and warnings:
        raise SchemaError(warnings[0])
    fields = tuple(_read_field(entry) for entry in record["fields"])
    schema = DatasetSchema(dataset_type, fields, domain, tuple(warnings))
    _check_names(schema)
    _check_requirements(schema, RULES[domain, dataset_type])
    _check_metadata(schema, RULES[domain, dataset_type])
    return schema


def _read_record(avro_json: str) -> dict[str, Any]:
    try:
        record = json.loads(avro_json, object_pairs_hook=_refuse_twins)
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"The schema is not JSON: {error.msg} at line {error.lineno} column {error.colno}."
        ) from None
    if not isinstance(record, dict):
        raise SchemaError(f"The schema is a JSON {type(record).__name__}. Expected an object.")
    _expect(record, "type", "record")
    _expect(record, "namespace", NAMESPACE)
    if not _is_seen_version(record.get("version")):
        _expect(record, "version", VERSION)
    if not isinstance(record.get("fields"), list) or not record["fields"]:
        raise SchemaError(
            f"Schema key 'fields' has value {record.get('fields')!r}. Expected a list of fields."
        )
    return record


def _refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the JSON. Python's reader would keep the last of two keys without a word."""
    read = dict(pairs)
    if len(read) < len(pairs):
        raise SchemaError(
            f"The schema repeats a key in {[key for key, _ in pairs]!r}. Expected each key once."
        )
    return read


def _expect(record: Mapping[str, Any], key: str, expected: str) -> None:
    if record.get(key) != expected:
        raise SchemaError(
            f"Schema key {key!r} has value {record.get(key)!r}. Expected {expected!r}."
        )


def _is_seen_version(version: object) -> bool:
    # True == 1 in Python, and no service was seen to accept it.
    return version in SEEN_VERSIONS and not isinstance(version, bool | float)


def _doubts_of_version(record: Mapping[str, Any]) -> Iterator[str]:
    if record.get("version") != VERSION:
        yield f"Schema key 'version' has value {record.get('version')!r}. Expected {VERSION!r}."


def _doubts_of_fields(entries: Sequence[object]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, dict) and entry.get("categorical") is True:
            kind, _ = _read_type(str(entry.get("name")), entry.get("type"))
            if kind in NUMBERS:
                yield (
                    f"Field {entry.get('name')!r} is categorical and of type {kind!r}. "
                    "Expected a string; it is used as a number."
                )


def _dataset_type(name: object, domain: str | None) -> str:
    """The record is named after the dataset type, in any case and with or without the underscore."""
    known = {
        kind: record_name for record_name, kind in RECORD_NAMES.items() if (domain, kind) in RULES
    }
    for kind in known:
        if str(name).replace("_", "").upper() == kind.replace("_", ""):
            return kind
    raise SchemaError(
        f"Schema key 'name' has value {name!r}. Expected one of: {', '.join(known.values())}."
    )


def _read_field(entry: object) -> Field:
    if not isinstance(entry, dict) or not _NAME.fullmatch(str(entry.get("name", ""))):
        raise SchemaError(
            f"Schema field {entry!r} has no valid name. Expected letters, digits and underscores."
        )
    name = entry["name"]
    kind, nullable = _read_type(name, entry.get("type"))
    flags = {key: _read_flag(name, entry, key) for key in ("categorical", "textual", "itemName")}
    if kind in NUMBERS:
        flags["categorical"] = False  # _doubts_of_fields tells
    if kind != "string" and any(flags.values()):
        raise SchemaError(
            f"Field {name!r} has type {kind!r} and a text attribute. Expected a string for {flags}."
        )
    if flags["categorical"] and flags["textual"]:
        raise SchemaError(f"Field {name!r} is both categorical and textual. Expected one of them.")
    return Field(name, kind, nullable, flags["categorical"], flags["textual"], flags["itemName"])


def _read_type(name: str, declared: object) -> tuple[str, bool]:
    """The type and whether it may be null; Avro writes that as a union, such as ["null", "int"]."""
    union = declared if isinstance(declared, list) else [declared]
    kinds = [kind for kind in union if kind != "null"]
    if len(kinds) != 1 or kinds[0] not in TYPES or len(set(map(str, union))) != len(union):
        expected = f"one of: {', '.join(TYPES)}, alone or in a list with 'null'"
        raise SchemaError(f"Field {name!r} has type {declared!r}. Expected {expected}.")
    return str(kinds[0]), len(union) > 1


def _read_flag(name: str, entry: Mapping[str, Any], key: str) -> bool:
    flag = entry.get(key, False)
    if not isinstance(flag, bool):
        raise SchemaError(f"Field {name!r} has {key} {flag!r}. Expected true or false.")
    return flag


def _check_names(schema: DatasetSchema) -> None:
    seen: dict[str, str] = {}
    for name in schema.names:
        stripped = re.sub(r"[^A-Za-z0-9]", "", name).upper()
        if stripped in seen:
            raise SchemaError(
                f"Fields {seen[stripped]!r} and {name!r} are the same once stripped to letters "
                "and digits. Expected unique names."
            )
        seen[stripped] = name


def _check_requirements(schema: DatasetSchema, rules: Rules) -> None:
    missing = [name for name in rules.required if name not in schema.names]
    if missing:
        raise SchemaError(
            f"The {schema.dataset_type} schema lacks the required fields: {', '.join(missing)}."
        )
    for spec in schema.fields:
        requirement = rules.required.get(spec.name) or rules.reserved.get(spec.name)
        if requirement is not None:
            _check_requirement(spec, requirement)


def _check_requirement(spec: Field, requirement: Requirement) -> None:
    if spec.type not in requirement.types:
        expected = " or ".join(requirement.types)
        raise SchemaError(f"Field {spec.name!r} has type {spec.type!r}. Expected {expected}.")
    if spec.nullable and not requirement.nullable:
        raise SchemaError(f"Field {spec.name!r} can be null. Expected {spec.type!r} alone.")
    for attribute in ("categorical", "textual"):
        wanted: bool | None = getattr(requirement, attribute)
        found: bool = getattr(spec, attribute)
        if wanted is not None and found is not wanted:
            raise SchemaError(
                f"Field {spec.name!r} has {attribute} {found!r}. Expected {str(wanted).lower()}."
            )


def _check_metadata(schema: DatasetSchema, rules: Rules) -> None:
    names = [spec.name for spec in schema.fields if spec.name not in _ids(rules)]
    # Of events, reserved fields are no metadata. Of items and users they count.
    is_event = "TIMESTAMP" in rules.required
    counted = [spec.name for spec in schema.metadata] if is_event else names
    if len(counted) > rules.max_metadata:
        found = f"The {schema.dataset_type} schema has {len(counted)} metadata fields."
        raise SchemaError(f"{found} Expected at most {rules.max_metadata}.")
    if len(names) < rules.min_metadata:
        raise SchemaError(
            f"The {schema.dataset_type} schema has no metadata field. Expected at least one."
        )
    textual = [spec.name for spec in schema.fields if spec.textual]
    if textual and schema.dataset_type != "ITEMS":
        raise SchemaError(
            f"Field {textual[0]!r} is textual. Expected textual fields in an Items schema only."
        )
    if len(textual) > 1:
        raise SchemaError(
            f"The ITEMS schema has {len(textual)} textual fields: {', '.join(textual)}. Expected one."
        )
    item_names = [spec.name for spec in schema.fields if spec.item_name]
    if len(item_names) > 1 or (item_names and schema.dataset_type != "ITEMS"):
        raise SchemaError(
            f"itemName is set on {', '.join(item_names)}. Expected one field of an Items schema."
        )


def _ids(rules: Rules) -> set[str]:
    return {name for name in rules.required if name.endswith("_ID") or name == "TIMESTAMP"}


def _own_names(dataset_type: str, domain: str | None) -> set[str]:
    rules = RULES[domain, dataset_type]
    is_event = "TIMESTAMP" in rules.required
    return _ids(rules) | (set(rules.required) | set(rules.reserved) if is_event else set())
