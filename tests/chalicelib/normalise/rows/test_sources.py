from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from chalicelib.config import loading
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.filerules import FileRules
from tests.chalicelib.normalise.house import clean


def test_json_lines_are_read_by_dotted_names(tmp_path: Path) -> None:
    when = "2023-11-14T22:13:20.000Z"
    calls = [
        {
            "userId": "007",
            "event": "Product Clicked",
            "timestamp": when,
            "properties": {"sku": "shoe", "tags": ["a", "b"]},
        },
        {
            "userId": None,
            "event": "Product Clicked",
            "timestamp": when,
            "properties": {"sku": "shoe"},
        },
    ]
    body = "\n".join(map(json.dumps, calls)) + "\nnot json\n"
    rules = FileRules.from_config(loading.load(None, "shop"), "segment-logs")
    found = clean(tmp_path, body, rules={"columns": rules.columns})
    assert found.rows[0]["USER_ID"] == "007"
    assert (
        found.rows[0]["ITEM_ID"],
        found.rows[0]["TIMESTAMP"],
        found.rows[0]["PROPERTIES_TAGS"],
    ) == ("shoe", "1700000000", "a|b")
    assert found.dropped == {"json": 1, "no-user-id": 1}
    assert [row["line"] for row in found.quarantine] == [2, 3]


def test_raw_segment_logs_give_an_interaction_per_product_and_other_calls_are_no_fault(
    tmp_path: Path,
) -> None:
    when = "2023-11-14T22:13:20.000Z"
    products = [{"sku": "shirt"}, {"product_id": "shoe"}]
    calls: list[dict[str, Any]] = [
        {"type": "page", "userId": "u1", "timestamp": when, "properties": {}},
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "u1",
            "timestamp": when,
            "properties": {"products": products},
        },
        {
            "type": "track",
            "event": "Product Clicked",
            "userId": "u1",
            "timestamp": when,
            "properties": {"sku": "hat"},
        },
        {
            "type": "track",
            "event": "Product Clicked",
            "userId": "u1",
            "timestamp": "never",
            "properties": {"sku": "hat"},
        },
    ]
    rules = FileRules.from_config(loading.load(None, "shop"), "segment-logs")
    changes = {
        "columns": rules.columns,
        "item_events_only": rules.item_events_only,
        "max_bad_rows": 0.2,
    }
    found = clean(tmp_path, "\n".join(map(json.dumps, calls)), rules=changes)
    assert [(row["ITEM_ID"], row["EVENT_TYPE"]) for row in found.rows] == [
        ("shirt", "Order Completed"),
        ("shoe", "Order Completed"),
        ("hat", "Product Clicked"),
    ]
    assert found.dropped == {"no-item-event": 1, "no-timestamp": 1}
    assert [row["line"] for row in found.quarantine] == [4]
    assert set(found.report.clean_header) == {"USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP"}


def test_a_json_list_is_read_too(tmp_path: Path) -> None:
    rows = [{"ITEM_ID": i, "PRICE": i / 2} for i in range(3)]
    assert len(clean(tmp_path, json.dumps(rows, indent=1), "items").rows) == 3
    with pytest.raises(FileRejected, match="cannot be read as json"):
        clean(tmp_path, json.dumps(rows)[:-5], "items")


def test_parquet_is_read_with_its_times_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    duckdb.sql(
        "COPY (SELECT 7 AS household_id, 'i1' AS item_id, "
        "TIMESTAMP '2023-11-14 22:13:20' AS timestamp, ['a', 'b'] AS tags) "
        f"TO '{path}' (FORMAT parquet)"
    )
    found = clean(tmp_path, path.read_bytes(), rules={"columns": {"USER_ID": "household_id"}})
    assert found.rows == [
        {"USER_ID": "7", "ITEM_ID": "i1", "TIMESTAMP": "1700000000", "TAGS": "a|b"}
    ]


def test_the_lines_of_an_order_share_who_and_when(tmp_path: Path) -> None:
    body = "Name,USER_ID,ITEM_ID,TIMESTAMP,NOTE\n#1,u1,a,1700000000,x\n#2,u2,b,1700000001,\n"
    body += "#1,,c,,\n,,d,1700000002,\n#2,u2,,,\n"
    found = clean(tmp_path, body, rules={"order_key": "Name"})
    assert [(r["USER_ID"], r["ITEM_ID"], r["TIMESTAMP"], r["NOTE"]) for r in found.rows] == [
        ("u1", "a", "1700000000", "x"),
        ("u2", "b", "1700000001", ""),
        ("u1", "c", "1700000000", ""),
    ]
    assert found.dropped == {"no-user-id": 1, "no-item-id": 1}
    assert [row["line"] for row in found.quarantine] == [5, 6]
