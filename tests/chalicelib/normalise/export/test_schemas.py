from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.documents import ColumnReport, Kind
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.export.schemas import (
    SchemaPlan,
    extend_schema,
    infer_schema,
    keep_schema,
)

ROWS = 1000


def column(
    name: str, kind: Kind = "text", filled: int = ROWS, distinct: int = 10, **more: Any
) -> ColumnReport:
    return ColumnReport(name=name, source=name, kind=kind, filled=filled, distinct=distinct, **more)


INTERACTIONS = (column("USER_ID", "id"), column("ITEM_ID", "id"), column("TIMESTAMP", "timestamp"))
ITEM = column("ITEM_ID", "id")


def fields(plan: SchemaPlan) -> dict[str, dict[str, Any]]:
    return {field.pop("name"): field for field in json.loads(plan.schema)["fields"]}


def test_interactions_have_their_reserved_types() -> None:
    plan = infer_schema(
        "interactions",
        [*INTERACTIONS, column("EVENT_TYPE"), column("EVENT_VALUE", "number", filled=900)],
        ROWS,
    )
    assert json.loads(plan.schema) == {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "version": "1.0",
        "fields": [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_TYPE", "type": "string"},
            {"name": "EVENT_VALUE", "type": ["null", "float"]},
        ],
    }
    assert plan.columns == ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE")


def test_items_are_typed_by_what_they_hold() -> None:
    columns = [
        ITEM,
        column("GENRES", distinct=900, multi_valued=400),
        column("BRAND"),
        column("PRICE", "number"),
        column("YEAR", "integer", filled=990),
        column("STORE_ID", "integer"),
        column("TITLE", distinct=1000, mean_length=30.0),
        column("SKU", distinct=1000, mean_length=8.0),
        column("CREATION_TIMESTAMP", "timestamp"),
        column("NOTE", "empty", filled=0),
    ]
    plan = infer_schema("items", columns, ROWS)
    assert fields(plan) == {
        "ITEM_ID": {"type": "string"},
        "GENRES": {"type": ["null", "string"], "categorical": True},
        "BRAND": {"type": ["null", "string"], "categorical": True},
        "PRICE": {"type": ["null", "double"]},
        "YEAR": {"type": ["null", "long"]},
        "STORE_ID": {"type": ["null", "string"], "categorical": True},
        "TITLE": {"type": ["null", "string"], "textual": True},
        "SKU": {"type": ["null", "string"]},
        "CREATION_TIMESTAMP": {"type": ["null", "long"]},
    }
    assert plan.left_out == {"NOTE": "it has no value in any row"}


def test_the_config_has_the_last_word() -> None:
    columns = [
        ITEM,
        column("TITLE", distinct=1000, mean_length=30.0),
        column("NOTE", distinct=1000),
        column("YEAR", "integer"),
    ]
    found = fields(
        infer_schema("items", columns, ROWS, categorical=("year", "TITLE"), textual="note")
    )
    assert (found["NOTE"], found["TITLE"], found["YEAR"]) == (
        {"type": ["null", "string"], "textual": True},
        {"type": ["null", "string"], "categorical": True},
        {"type": ["null", "string"], "categorical": True},
    )


def test_users_have_no_textual_column() -> None:
    found = fields(
        infer_schema(
            "users", [column("USER_ID", "id"), column("BIO", distinct=1000, mean_length=80.0)], ROWS
        )
    )
    assert found["BIO"] == {"type": ["null", "string"]}


def test_beyond_five_metadata_columns_the_least_useful_are_left_out() -> None:
    columns = [
        *INTERACTIONS,
        *(column(f"C{n}") for n in range(4)),
        column("BASKET", distinct=990),
        column("DEVICE"),
        column("ONE", distinct=1),
    ]
    plan = infer_schema("interactions", columns, ROWS)
    assert plan.columns == ("USER_ID", "ITEM_ID", "TIMESTAMP", "C0", "C1", "C2", "C3", "DEVICE")
    assert set(plan.left_out) == {"BASKET", "ONE"}
    assert "at most 5 metadata columns" in plan.left_out["BASKET"]


def test_event_types_and_metadata_share_ten_places() -> None:
    plan = infer_schema(
        "interactions",
        [*INTERACTIONS, column("EVENT_TYPE"), *(column(f"C{n}") for n in range(4))],
        ROWS,
        event_types=8,
    )
    assert plan.columns[4:] == ("C0", "C1")


@pytest.mark.parametrize(
    ("dataset", "columns", "domain", "message"),
    [
        ("items", [ITEM], None, "The items have no column besides ITEM_ID"),
        (
            "items",
            [ITEM, column("BRAND")],
            "ECOMMERCE",
            "Domain ECOMMERCE needs a column PRICE in items. Found: ITEM_ID, BRAND",
        ),
        (
            "interactions",
            [*INTERACTIONS],
            "VIDEO_ON_DEMAND",
            "Domain VIDEO_ON_DEMAND needs a column EVENT_TYPE",
        ),
        (
            "interactions",
            [*INTERACTIONS, column("EVENT_TYPE", filled=990)],
            "ECOMMERCE",
            "10 rows have none",
        ),
    ],
)
def test_what_cannot_be_a_schema_is_refused(
    dataset: str, columns: list[ColumnReport], domain: str | None, message: str
) -> None:
    with pytest.raises(SetRejected) as error:
        infer_schema(dataset, columns, ROWS, domain)
    assert message in str(error.value)


def test_a_domains_items_get_its_types() -> None:
    columns = [ITEM, column("PRICE", "integer"), column("CATEGORY_L1", distinct=1000)]
    found = fields(infer_schema("items", columns, ROWS, "ECOMMERCE"))
    assert (found["PRICE"], found["CATEGORY_L1"]) == (
        {"type": ["null", "float"]},
        {"type": ["null", "string"], "categorical": True},
    )


def test_a_later_export_keeps_the_schema_and_leaves_new_columns_out() -> None:
    live = infer_schema(
        "items", [ITEM, column("GENRE", filled=900), column("PRICE", "number")], ROWS
    )
    plan = keep_schema(
        live.schema, "items", [ITEM, column("PRICE", "integer"), column("NEW")], ROWS
    )
    assert (plan.schema, plan.columns) == (live.schema, ("ITEM_ID", "GENRE", "PRICE"))
    assert plan.left_out == {"NEW": "the dataset's schema does not have it"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            [ITEM],
            "Column PRICE of items is empty in 1,000 of 1,000 rows. Expected a value in every row",
        ),
        ([ITEM, column("PRICE", "integer", filled=999)], "is empty in 1 of 1,000 rows"),
        ([ITEM, column("PRICE", "text")], "Column PRICE of items holds text. Expected long"),
        ([ITEM, column("PRICE", "number")], "Column PRICE of items holds fractions. Expected long"),
    ],
)
def test_an_export_that_breaks_the_schema_is_refused(
    columns: list[ColumnReport], message: str
) -> None:
    live = '{"fields": [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": "long"}]}'
    with pytest.raises(SetRejected) as error:
        keep_schema(live, "items", columns, ROWS)
    assert message in str(error.value)


def grown(dataset: str, old: list[ColumnReport], new: list[ColumnReport]) -> SchemaPlan:
    live = infer_schema(dataset, old, ROWS).schema
    return extend_schema(live, infer_schema(dataset, new, ROWS), dataset, new, ROWS)


def test_items_get_new_columns_that_may_be_null_and_keep_the_old_ones_as_they_are() -> None:
    plan = grown(
        "items",
        [ITEM, column("GENRE"), column("PRICE", "number")],
        # Judged anew, PRICE would be a whole number.
        [ITEM, column("COLOUR"), column("GENRE"), column("PRICE", "integer")],
    )
    found = fields(plan)
    assert plan.columns == ("ITEM_ID", "GENRE", "PRICE", "COLOUR")
    assert found["PRICE"] == {"type": ["null", "double"]}
    assert found["COLOUR"] == {"type": ["null", "string"], "categorical": True}
    assert plan.left_out == {}


def test_a_schema_that_needs_nothing_new_is_the_one_there_is_to_the_letter() -> None:
    old = [ITEM, column("GENRE", filled=900), column("PRICE", "number")]
    live = infer_schema("items", old, ROWS).schema
    assert grown("items", old, [ITEM, column("PRICE", "number")]).schema == live


def test_new_columns_of_interactions_are_refused_with_what_to_do() -> None:
    with pytest.raises(SetRejected, match=r"DEVICE.*items and users only.*keep") as error:
        grown("interactions", [*INTERACTIONS], [*INTERACTIONS, column("DEVICE")])
    assert error.value.code == "schema-fixed"


def test_a_second_textual_column_is_left_out_and_so_is_what_is_too_many() -> None:
    text = column("STORY", distinct=1000, mean_length=300.0, max_length=900)
    other = column("DESCRIPTION", distinct=1000, mean_length=300.0, max_length=900)
    plan = grown("items", [ITEM, text], [ITEM, text, other])
    assert "DESCRIPTION" not in plan.columns or fields(plan)["DESCRIPTION"].get("textual") is None
    many = [column(f"C{n}") for n in range(25)]
    user = column("USER_ID", "id")
    plan = grown("users", [user, *many], [user, *many, column("D")])
    assert "D" not in plan.columns
    assert "D" in plan.left_out


def test_one_value_that_is_too_long_leaves_a_column_the_category_it_is() -> None:
    some, most = column("GENRES", too_long=1), column("NOTES", too_long=900, max_length=2000)
    plan = infer_schema("items", [ITEM, some, most], ROWS, categorical=["GENRES", "NOTES"])
    assert fields(plan)["GENRES"]["categorical"]
    assert "too long for a category" in plan.left_out["NOTES"]


def test_a_domain_wants_at_least_one_value_in_what_it_requires() -> None:
    columns = [ITEM, column("PRICE", "number", filled=0), column("CATEGORY_L1")]
    with pytest.raises(SetRejected, match="no row has one that can be read"):
        infer_schema("items", columns, ROWS, "ECOMMERCE")


def test_numbers_of_a_domains_categories_are_texts() -> None:
    columns = [ITEM, column("PRICE", "number"), column("CATEGORY_L1", "integer")]
    columns += [column("AGE_GROUP", "integer"), column("WEIGHT", "number")]
    found = fields(infer_schema("items", columns, ROWS, "ECOMMERCE"))
    assert found["CATEGORY_L1"] == {"type": ["null", "string"], "categorical": True}
    assert found["AGE_GROUP"] == {"type": ["null", "string"], "categorical": True}
    assert found["WEIGHT"] == {"type": ["null", "double"]}, "a float would lose digits"
