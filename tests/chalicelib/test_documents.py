from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import documents
from chalicelib.documents import (
    ArrivalRecord,
    DataRecord,
    Document,
    ExportSet,
    RunReport,
    RunState,
    ServingRecord,
    SolutionEvent,
    SourceFile,
)
from chalicelib.errors import DocumentUnreadable

EXPORT = ExportSet(
    group="shop",
    datasets={
        "items": (
            SourceFile("shop/items/b.csv", 2, '"e2"'),
            SourceFile("shop/items/a.csv", 1, "e1"),
        )
    },
    mode="FULL",
    complete_by="quiet",
)


def stored() -> list[type[Document]]:
    return Document.__subclasses__()


def test_a_document_survives_its_journey() -> None:
    assert documents.decode(documents.encode(EXPORT), ExportSet, "sets/x.json") == EXPORT


@pytest.mark.parametrize("kind", stored(), ids=lambda kind: kind.__name__)
def test_what_is_stored_carries_a_version(kind: type[Document]) -> None:
    [field] = [field for field in msgspec.structs.fields(kind) if field.name == "version"]
    assert isinstance(field.default, int)


def test_a_document_of_another_version_is_refused_with_what_to_do() -> None:
    newer = json.dumps({**json.loads(documents.encode(EXPORT)), "version": 9}).encode()
    with pytest.raises(DocumentUnreadable, match=r"sets/x\.json cannot be read .* Drop the export"):
        documents.decode(newer, ExportSet, "sets/x.json")
    with pytest.raises(DocumentUnreadable, match=r"report\.html beside it"):
        documents.decode(b'{"run": "a", "version": 1}', RunReport, "runs/a/report.json")


def test_a_document_from_before_there_were_versions_is_read() -> None:
    body = json.loads(documents.encode(EXPORT))
    del body["version"]
    assert documents.decode(json.dumps(body).encode(), ExportSet, "x") == EXPORT


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"version": 1}'])
def test_a_damaged_document_is_named(body: bytes) -> None:
    with pytest.raises(DocumentUnreadable, match=r"sets/x\.json"):
        documents.decode(body, ExportSet, "sets/x.json")


def test_a_record_goes_through_dynamodb_and_back() -> None:
    record = ArrivalRecord(key="k", etag="e", size=3, arrived=1.25)
    item = {"pk": "group#g", "sk": "arrival#k", **documents.to_item(record)}
    assert item["arrived"] == Decimal("1.25")
    item["size"] = Decimal(3)  # as DynamoDB gives numbers
    assert documents.from_item(item, ArrivalRecord) == record


def test_absent_values_are_left_out_of_an_item() -> None:
    assert "withheld" not in documents.to_item(DataRecord(run="r"))
    assert documents.from_item({"run": "r", "withheld": None}, DataRecord) == DataRecord(run="r")


def test_an_item_that_is_no_record_is_named_by_its_keys() -> None:
    with pytest.raises(DocumentUnreadable, match="group#g serving#s"):
        documents.from_item({"pk": "group#g", "sk": "serving#s", "recipe": 5}, ServingRecord)


def test_files_are_counted_by_dataset_then_key() -> None:
    assert [file.key for _, file in EXPORT.files()] == ["shop/items/a.csv", "shop/items/b.csv"]
    assert EXPORT.bytes == 3


def test_an_export_is_known_by_its_content_and_not_by_its_keys() -> None:
    moved = msgspec.structs.replace(
        EXPORT,
        datasets={
            "items": (SourceFile("shop/new/1.csv", 1, "e1"), SourceFile("shop/new/2.csv", 2, "e2"))
        },
    )
    other = msgspec.structs.replace(EXPORT, datasets={"items": (SourceFile("k", 1, "e3"),)})
    assert EXPORT.export_id == moved.export_id
    assert EXPORT.export_id != other.export_id
    assert len(EXPORT.export_id) == 16


def test_the_state_machines_own_state_is_read_for_what_is_declared() -> None:
    state = {
        "run": "r",
        "lease": {"value": {"token": 1}},
        "solutions": [
            {"solution": "a", "result": "promoted"},
            {"solution": "b", "result": "failed", "error": {"Error": "X", "Cause": "{}"}},
        ],
    }
    found = documents.read_event(state, RunState)
    assert found.error is None
    assert found.solutions[1].error is not None
    assert found.solutions[1].error.error == "X"


def test_an_event_that_lacks_a_field_names_it() -> None:
    with pytest.raises(msgspec.ValidationError, match="solution"):
        documents.read_event({"run": "r", "group": "g"}, SolutionEvent)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


@given(JSON)
def test_plain_values_stay_as_they_are(value: Any) -> None:
    assert documents.plain(value) == value


def test_decimals_and_sets_become_what_json_has() -> None:
    assert documents.plain({"a": Decimal(3), "b": Decimal("0.5"), "c": {"y", "x"}}) == {
        "a": 3,
        "b": 0.5,
        "c": ["x", "y"],
    }
