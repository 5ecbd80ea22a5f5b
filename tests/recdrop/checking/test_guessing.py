"""Columns are guessed from names and from values; a guess says what it rests on."""

from __future__ import annotations

import pytest

from recdrop.checking.guessing import guess
from recdrop.checking.synonyms import hint, rank
from tests.recdrop.checking.exports import look

INTERACTIONS = [
    (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom",
        {"USER_ID": "CustomerID", "ITEM_ID": "StockCode", "TIMESTAMP": "InvoiceDate"},
    ),
    (
        "userId,movieId,rating,timestamp",
        "1,31,2.5,1260759144",
        {"ITEM_ID": "movieId", "EVENT_VALUE": "rating"},
    ),
    (
        "event_time,event_type,product_id,category_id,brand,price,user_id,user_session",
        "2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,shiseido,35.79,541312140,72d76fde",
        {"ITEM_ID": "product_id", "TIMESTAMP": "event_time"},
    ),
    (
        "timestamp,visitorid,event,itemid,transactionid",
        "1433221332117,257597,view,355908,",
        {"USER_ID": "visitorid", "EVENT_TYPE": "event"},
    ),
    (
        "t_dat,customer_id,article_id,price,sales_channel_id",
        "2018-09-20,000058a12d5b43e67d225668fa1f8d61,0663713001,0.0508,2",
        {"USER_ID": "customer_id", "ITEM_ID": "article_id", "TIMESTAMP": "t_dat"},
    ),
    (
        "reviewerID,asin,overall,unixReviewTime",
        "A2SUAM1J3GNN3B,0000013714,5.0,1252800000",
        {
            "USER_ID": "reviewerID",
            "ITEM_ID": "asin",
            "TIMESTAMP": "unixReviewTime",
            "EVENT_VALUE": "overall",
        },
    ),
    (
        "L_CUSTKEY,L_PRODUCTKEY,BOUGHT",
        "17,4711,2024-03-01",
        {"USER_ID": "L_CUSTKEY", "ITEM_ID": "L_PRODUCTKEY", "TIMESTAMP": "BOUGHT"},
    ),
]


@pytest.mark.parametrize(("header", "line", "columns"), INTERACTIONS, ids=lambda p: str(p)[:20])
def test_columns_of_well_known_data_are_guessed(
    header: str, line: str, columns: dict[str, str]
) -> None:
    found = guess(look(header, line), "data.csv")
    assert found is not None
    assert (found.dataset, found.columns) == ("interactions", columns)
    assert found.why.keys() == columns.keys()


def test_values_decide_against_a_name() -> None:
    found = guess(look("user,item,date,ts", "u1,i1,spring,1700000000"), "a.csv")
    assert found is not None
    assert found.columns["TIMESTAMP"] == "ts"
    found = guess(look("user,sku,price,time", "u1,i1,3.99,2024-01-01"), "a.csv")
    assert found is not None
    assert "EVENT_VALUE" not in found.columns


def test_a_number_of_the_size_of_a_time_is_no_time_by_itself() -> None:
    found = guess(look("user_id,sku,phone", "u1,i1,1700000000"), "events.csv", "interactions")
    assert found is not None
    assert "TIMESTAMP" not in found.columns


@pytest.mark.parametrize(
    ("name", "header", "line", "dataset", "column"),
    [
        ("products.csv", "id,title,created_at", "7,Tea,2024-01-01", "items", "id"),
        ("export/customers.csv", "id,email,city", "7,a@b.c,Rome", "users", "id"),
        ("movies.csv", "movieId,title,genres", "1,Heat,Action", "items", "movieId"),
        ("members.csv", "household_key,age", "1,35-44", "users", "household_key"),
    ],
)
def test_tables_of_items_and_users_are_told_apart(
    name: str, header: str, line: str, dataset: str, column: str
) -> None:
    found = guess(look(header, line), name)
    assert found is not None
    assert found.dataset == dataset
    assert column in found.columns.values()


def test_a_catalogue_with_its_sellers_is_no_interactions() -> None:
    lines = [f"p{n},seller{n % 3},2024-01-01" for n in range(30)]
    found = guess(look("product_id,member_id,created_at", *lines), "products.csv")
    assert found is not None
    assert found.dataset == "items"


def test_events_without_an_item_are_no_table_of_users() -> None:
    lines = [f"{n % 9},view,{1700000000 + n}" for n in range(50)]
    found = guess(look("user_pseudo_id,event_name,event_timestamp", *lines), "export.json")
    assert found is not None
    assert (found.dataset, "ITEM_ID" in found.columns) == ("interactions", False)


def test_what_nothing_speaks_of_is_not_guessed() -> None:
    assert guess(look("a,b,c", "1,2,3"), "stuff.csv") is None
    assert guess(look("Summary", "text"), "README.txt") is None


def test_a_tools_own_names_come_first() -> None:
    row = look("email,customer_id,sku,time", "a@b.c,7,i1,2024-01-01")
    found = guess(row, "a.csv", known={"USER_ID": "email"})
    assert found is not None
    assert found.columns["USER_ID"] == "email"


def test_a_file_without_a_header_line_gets_one() -> None:
    lines = [f"u{n % 9},i{n % 7},{'view' if n % 2 else 'buy'},{1700000000 + n}" for n in range(80)]
    found = guess(look(lines[0], *lines[1:]), "x.csv")
    assert found is not None
    assert found.header == ("USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP")
    assert "no header line" in found.why["header"]


def test_names_are_ranked() -> None:
    first, second = rank("USER_ID", "Customer ID", "items"), rank("USER_ID", "e-mail", "items")
    assert first is not None
    assert second is not None
    assert 0 < first < second
    assert rank("USER_ID", "user-id", "items") == 0
    assert rank("USER_ID", "colour", "items") is None
    own, email = rank("USER_ID", "id", "users"), rank("USER_ID", "email", "users")
    assert own is not None
    assert email is not None
    assert own < email
    assert rank("ITEM_ID", "id", "users") is None


@pytest.mark.parametrize(
    ("name", "dataset"),
    [("ratings.csv", "interactions"), ("item-meta.csv", "items"), ("a.csv", None)],
)
def test_a_files_name_is_a_hint(name: str, dataset: str | None) -> None:
    assert hint(name) == dataset
