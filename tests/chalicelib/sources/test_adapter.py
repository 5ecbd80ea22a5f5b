"""Tools are recognised by what they leave behind, the most particular first, and it is said by what."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from chalicelib.config.sections import Kind
from chalicelib.sources import ADAPTERS, recognise
from chalicelib.sources.adapter import Adapter, Seen, Sign
from chalicelib.vocabulary.datasets import DATASETS

QUERY = "01b2e8a5-0604-8d8c-0000-00017d5e8b21"


def by_path(*paths: str) -> str:
    return recognise(Seen(paths)).adapter.name


def by_header(header: str) -> str:
    path = "interactions/a.csv"
    return recognise(Seen([path], {path: header.split(",")})).adapter.name


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("segment-logs/abc/1550361600000/1550363000.gz", "segment"),
        ("snowplow_recommendations_ecommerce_items/personalize-dataset.csv", "snowplow"),
        ("items/_delta_log/00000000000000000000.json", "delta"),
        ("items/_committed_5196563791502273604", "databricks"),
        ("items/part-00000-tid-5196563791502273604-c2233d6c-4a82-4d2f-6-1-c000.csv", "databricks"),
        (f"items/data_{QUERY}_0_1_0.csv.gz", "snowflake"),
        ("items/data_0_0_0.csv.gz", "snowflake"),
        (f"items/country=DE/data_{QUERY}_0_1_0.snappy.parquet", "snowflake"),
        ("transformed/run-1558198402129-part-r-00000", "glue"),
        ("interactions/orders0000_part_00", "redshift"),
        ("interactions/orders0003_part_00.gz", "redshift"),
        ("interactions/ordersmanifest", "redshift"),
        ("interactions/orders000", "redshift"),
        ("interactions/orders-000000000000.csv", "bigquery"),
        ("interactions/part-00000-3f2a9c1e-1b2c-4d5e-8f90-c000.snappy.parquet", "spark"),
        ("interactions/_SUCCESS", "spark"),
        ("interactions/orders.csv", "plain"),
        ("manifests/run.json", "plain"),
        ("interactions/2000.csv", "plain"),
    ],
)
def test_a_source_is_recognised_by_its_paths(path: str, source: str) -> None:
    assert by_path("interactions/readme", path) == source


@pytest.mark.parametrize(
    ("header", "source"),
    [
        ("messageId,anonymousId,userId,type,event,receivedAt,properties.sku", "segment"),
        ("event_date,event_timestamp,event_name,user_pseudo_id", "ga4"),
        ("Name,Email,Financial Status,Created at,Lineitem name,Lineitem sku", "shopify"),
        ("userId,movieId,rating,timestamp", "movielens"),
        ("movieId,title,genres", "movielens"),
        ("USER_ID,ITEM_ID,TIMESTAMP", "plain"),
    ],
)
def test_a_source_is_recognised_by_its_columns(header: str, source: str) -> None:
    assert by_header(header) == source


def test_the_more_particular_tool_comes_first() -> None:
    tables = "snowplow_recommendations_ecommerce_items"
    assert by_path(f"{tables}/_SUCCESS", f"{tables}/_committed_51") == "snowplow"
    assert by_path("items/_SUCCESS", "items/_committed_51") == "databricks"


def test_it_says_by_what() -> None:
    found = recognise(Seen(["items/x.csv", "items/run-1558198402129-part-r-00000"]))
    path = "'items/run-1558198402129-part-r-00000'"
    assert found.why == f"{path} is called as Glue calls its files"


def test_config_and_table_have_the_same_names() -> None:
    assert sorted(get_args(Kind)) == sorted(ADAPTERS)


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=lambda adapter: adapter.name)
def test_every_adapter_speaks_of_columns_that_exist(adapter: Adapter) -> None:
    own = {column for dataset in DATASETS.values() for column in dataset.own}
    assert set(adapter.columns) <= own
    assert adapter.signs or adapter.name in ("plain", "sequences")


def test_a_sign_needs_all_its_columns() -> None:
    sign = Sign("x", columns=frozenset({"a", "b"}))
    assert sign.first(Seen(["p"], {"p": ("A", " b ", "c")})) == "p"
    assert sign.first(Seen(["p"], {"p": ("a",)})) is None
    assert Sign("x", re.compile("q")).first(Seen(["p"], {"p": ("a",)})) is None
