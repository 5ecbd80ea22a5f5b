from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from chalicelib.config import loading
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.objects import find_fields
from tests.chalicelib.normalise.house import Cleaned, clean

MICROS = 1_700_000_000_000_000


def names(*objects: Any) -> list[str]:
    listed = " UNION ALL ".join(f"SELECT '{json.dumps(one)}'::JSON AS j" for one in objects)
    return list(find_fields(duckdb.connect(), listed).expressions)


def test_the_fields_are_dotted_and_in_order_of_appearance() -> None:
    assert names({"z": 1, "b": {"c": [2], "d": {"e": 3}}}, {"f": None}, 7) == [
        "z",
        "b.c",
        "b.d.e",
        "f",
    ]
    assert names({"p": [{"sku": "x"}, {"id": 1}]}) == ["p.sku", "p.id"]
    assert names({"a": [1, 2], "b": []}) == ["a", "b"]


def test_what_only_the_last_of_many_objects_has_is_a_column_too(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"ITEM_ID": f"i{n}", "TITLE": "x" * 40} for n in range(30_000)]
    lines += [{"ITEM_ID": "last", "SEASON": "spring", "brand": {"name": "acme"}}]
    found = clean(tmp_path, "\n".join(map(json.dumps, lines)), "items")
    assert found.report.clean_header == ("ITEM_ID", "TITLE", "SEASON", "BRAND_NAME")
    assert found.rows[-1] == {
        "ITEM_ID": "last",
        "TITLE": "",
        "SEASON": "spring",
        "BRAND_NAME": "acme",
    }


@pytest.mark.parametrize("body", ["[1, 2]", "{}", "[{}]"])
def test_a_file_without_an_object_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(FileRejected, match="is a JSON object"):
        clean(tmp_path, body)


def ga4(**changes: Any) -> dict[str, Any]:
    """An event as BigQuery's export to JSON has it: numbers of 64 bits are texts."""
    return {
        "event_date": "20231114",
        "event_timestamp": str(MICROS),
        "event_name": "view_item",
        "event_params": [
            {"key": "ga_session_id", "value": {"int_value": "17"}},
            {"key": "page_location", "value": {"string_value": "https://x.example/"}},
        ],
        "user_pseudo_id": "12.34",
        "items": [{"item_id": "shoe", "item_name": "Shoe", "price": 16.99}],
        **changes,
    }


def ga4_clean(folder: Path, body: bytes | str, config: str = "") -> Cleaned:
    settings = loading.load(f'[source]\nkind = "ga4"\n{config}', "shop")
    rules = FileRules.from_config(settings, "interactions")
    return clean(
        folder,
        body,
        rules={"columns": rules.columns, "calls_as_objects": True, "max_bad_rows": 0.0},
    )


EVENTS = [
    ga4(),
    ga4(event_name="purchase", items=[{"item_id": "hat"}, {"item_id": "shirt"}]),
    ga4(event_name="session_start", items=[]),
    {k: v for k, v in ga4(event_name="page_view").items() if k != "items"},
]


def test_ga4_has_an_interaction_for_each_item_and_other_events_are_no_fault(tmp_path: Path) -> None:
    found = ga4_clean(tmp_path, "\n".join(map(json.dumps, EVENTS)))
    assert [tuple(row.values()) for row in found.rows] == [
        ("1700000000", "view_item", "12.34", "shoe"),
        ("1700000000", "purchase", "12.34", "hat"),
        ("1700000000", "purchase", "12.34", "shirt"),
    ]
    assert found.dropped == {"no-item-event": 2}
    assert found.quarantine == []


def test_a_parameter_of_ga4_can_be_a_column(tmp_path: Path) -> None:
    config = (
        'columns = { PAGE = "event_params.page_location", SESSION = "event_params.ga_session_id" }'
    )
    found = ga4_clean(tmp_path, "\n".join(map(json.dumps, EVENTS)), config)
    assert (found.rows[0]["PAGE"], found.rows[0]["SESSION"]) == ("https://x.example/", "17")


def test_ga4_in_parquet_is_read_alike(tmp_path: Path) -> None:
    lines, path = tmp_path / "in.json", tmp_path / "in.parquet"
    lines.write_text("\n".join(map(json.dumps, EVENTS)))
    duckdb.sql(f"COPY (SELECT * FROM read_json('{lines}')) TO '{path}' (FORMAT parquet)")
    found = ga4_clean(tmp_path / "clean", path.read_bytes())
    assert [row["ITEM_ID"] for row in found.rows] == ["shoe", "hat", "shirt"]


def test_lists_of_objects_are_joined_where_no_id_lies_in_them(tmp_path: Path) -> None:
    item = {"ITEM_ID": "i", "variants": [{"size": "S"}, {"size": "M", "sku": 3}]}
    found = clean(tmp_path, json.dumps(item), "items")
    assert found.rows == [{"ITEM_ID": "i", "VARIANTS_SIZE": "S|M", "VARIANTS_SKU": "3"}]


def test_line_items_of_an_order_are_interactions(tmp_path: Path) -> None:
    order = {
        "created_at": "2023-11-14T22:13:20Z",
        "customer": {"id": 7},
        "line_items": [{"product_id": 1, "price": "9.99"}, {"product_id": 2}],
    }
    columns = {
        "USER_ID": "customer.id",
        "ITEM_ID": "line_items.product_id",
        "TIMESTAMP": "created_at",
    }
    found = clean(tmp_path, json.dumps(order), rules={"columns": columns})
    assert [(row["USER_ID"], row["ITEM_ID"], row["LINE_ITEMS_PRICE"]) for row in found.rows] == [
        ("7", "1", "9.99"),
        ("7", "2", ""),
    ]
