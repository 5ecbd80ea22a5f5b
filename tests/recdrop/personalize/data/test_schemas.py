from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recdrop.personalize.data.schemas import Field, SchemaError, parse_schema

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("cases").joinpath("schemas.json").read_text()
)


def avro(name: str, fields: list[Any], **keys: Any) -> str:
    record = {
        "type": "record",
        "name": name,
        "namespace": "com.amazonaws.personalize.schema",
        "version": "1.0",
    }
    return json.dumps({**record, "fields": [_field(entry) for entry in fields], **keys})


def _field(entry: Any) -> Any:
    """Cases write ["USER_ID", "string"] or ["GENRES", ["null", "string"], {"categorical": true}]."""
    if not isinstance(entry, list):
        return entry
    name, kind, *attributes = entry
    return {"name": name, "type": kind, **(attributes[0] if attributes else {})}


@pytest.mark.parametrize("case", CASES["accept"], ids=lambda case: case["it"])
def test_a_schema_is_accepted(case: dict[str, Any]) -> None:
    schema = parse_schema(avro(case["name"], case["fields"]), domain=case.get("domain"))
    assert schema.dataset_type == case["dataset_type"]
    assert [spec.name for spec in schema.metadata] == case["metadata"]


@pytest.mark.parametrize("case", CASES["refuse"], ids=lambda case: case["it"])
def test_a_schema_is_refused_by_name_and_expectation(case: dict[str, Any]) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_schema(
            avro(case["name"], case["fields"], **case.get("keys", {})), domain=case.get("domain")
        )
    assert case["message"] in str(caught.value)


@pytest.mark.parametrize("case", CASES["doubt"], ids=lambda case: case["it"])
def test_what_the_service_was_seen_to_accept_is_warned_of(case: dict[str, Any]) -> None:
    text = avro(case["name"], case["fields"], **case.get("keys", {}))
    assert parse_schema(text).warnings == (case["message"],)
    with pytest.raises(SchemaError) as caught:
        parse_schema(text, strict=True)
    assert str(caught.value) == case["message"]


def test_a_categorical_number_is_used_as_a_number() -> None:
    text = avro("Users", [["USER_ID", "string"], ["RFM", "long", {"categorical": True}]])
    assert parse_schema(text).field("RFM") == Field("RFM", "long")


def test_fields_keep_their_order_types_and_attributes() -> None:
    fields = [
        ["ITEM_ID", "string"],
        ["GENRES", ["null", "string"], {"categorical": True}],
        ["PLOT", ["string", "null"], {"textual": True}],
        ["TITLE", "string", {"itemName": True}],
        ["YEAR", "int"],
    ]
    schema = parse_schema(avro("Items", fields))
    assert schema.fields == (
        Field("ITEM_ID", "string"),
        Field("GENRES", "string", nullable=True, categorical=True),
        Field("PLOT", "string", nullable=True, textual=True),
        Field("TITLE", "string", item_name=True),
        Field("YEAR", "int"),
    )
    assert schema.names == ("ITEM_ID", "GENRES", "PLOT", "TITLE", "YEAR")
    assert schema.field("YEAR").is_number
    with pytest.raises(KeyError):
        schema.field("year")


@pytest.mark.parametrize("count", [100, 101])
def test_an_items_schema_has_at_most_100_metadata_fields(count: int) -> None:
    text = avro("Items", [["ITEM_ID", "string"], *([f"FIELD{n}", "int"] for n in range(count))])
    if count == 100:
        assert len(parse_schema(text).metadata) == 100
    else:
        with pytest.raises(SchemaError, match=r"has 101 metadata fields\. Expected at most 100"):
            parse_schema(text)


@pytest.mark.parametrize(
    ("name", "key", "limit"), [("Users", "USER_ID", 25), ("Actions", "ACTION_ID", 10)]
)
def test_other_tables_have_fewer(name: str, key: str, limit: int) -> None:
    fields = [[key, "string"], *([f"FIELD{n}", "int"] for n in range(limit + 1))]
    assert parse_schema(avro(name, fields[:-1]))
    with pytest.raises(SchemaError, match=f"Expected at most {limit}"):
        parse_schema(avro(name, fields))


def test_reserved_event_fields_do_not_count_as_metadata() -> None:
    fields: list[Any] = [
        ["USER_ID", "string"],
        ["ITEM_ID", "string"],
        ["TIMESTAMP", "long"],
        ["EVENT_TYPE", "string"],
    ]
    fields += [["EVENT_VALUE", ["float", "null"]], ["IMPRESSION", ["null", "string"]]]
    fields += [[f"FIELD{n}", "string"] for n in range(6)]
    assert len(parse_schema(avro("Interactions", fields[:-1])).metadata) == 5
    with pytest.raises(SchemaError, match=r"has 6 metadata fields\. Expected at most 5"):
        parse_schema(avro("Interactions", fields))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "The schema is not JSON: "),
        ("[]", "The schema is a JSON list. Expected an object."),
        ('{"type":"record","type":"record"}', "repeats a key"),
        ("{}", "Schema key 'type' has value None. Expected 'record'."),
        (" " * 20_001, "The schema has 20001 characters. Expected at most 20000."),
    ],
)
def test_what_is_no_avro_record_is_refused(text: str, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_schema(text)
    assert message in str(caught.value)


def test_an_unknown_domain_is_refused() -> None:
    with pytest.raises(
        SchemaError, match=r"The domain is 'RETAIL'. Expected one of: ECOMMERCE, VIDEO_ON_DEMAND"
    ):
        parse_schema(avro("Users", [["USER_ID", "string"], ["AGE", "int"]]), domain="RETAIL")
