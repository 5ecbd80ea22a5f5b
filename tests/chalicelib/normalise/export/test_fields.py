from __future__ import annotations

from typing import Any

import pytest

from chalicelib.documents import ColumnReport
from chalicelib.normalise.export.fields import Fields, textual_column, worth
from chalicelib.vocabulary.datasets import DATASETS
from tests.chalicelib.normalise.house import ROWS, column

ITEMS = DATASETS["items"]


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (column("ITEM_ID", "id"), {"type": "string"}),
        (column("CREATION_TIMESTAMP", "timestamp", filled=9), {"type": ["null", "long"]}),
        (column("YEAR", "integer"), {"type": ["null", "long"]}),
        (column("YEAR", "integer", filled=9), {"type": ["null", "long"]}),
        (column("PRICE", "integer"), {"type": ["null", "double"]}),
        (column("STORE_ID", "integer"), {"type": ["null", "string"], "categorical": True}),
        (column("ZIP", "integer"), {"type": ["null", "string"], "categorical": True}),
        (column("SIZE", "integer"), {"type": ["null", "string"], "categorical": True}),
        (column("GENRES", distinct=1999), {"type": ["null", "string"], "categorical": True}),
        (
            column("TAGS", distinct=1999, multi_valued=1),
            {"type": ["null", "string"], "categorical": True},
        ),
        (column("SKU", distinct=1999), {"type": ["null", "string"]}),
        (column("BRAND", too_long=ROWS // 50), {"type": ["null", "string"]}),
        (column("BRAND", too_long=1), {"type": ["null", "string"], "categorical": True}),
        (column("TITLE", distinct=1999), {"type": ["null", "string"], "textual": True}),
    ],
)
def test_a_column_is_typed_by_what_it_holds(found: ColumnReport, field: dict[str, Any]) -> None:
    fields = Fields(ITEMS, ROWS, text="TITLE", categorical=frozenset({"SIZE"}))
    assert fields.field(found) == {"name": found.name, **field}


TITLE = column("TITLE", distinct=1999, mean_length=9.0)
BLURB = column("BLURB", distinct=1999, mean_length=80.0)
CODE = column("CODE", distinct=1999, mean_length=9.0)


@pytest.mark.parametrize(
    ("columns", "wanted", "text"),
    [
        ([BLURB, TITLE], None, "TITLE"),
        ([BLURB, CODE], None, "BLURB"),
        ([CODE], None, None),
        ([BLURB, TITLE], "blurb", "BLURB"),
        ([BLURB, TITLE], "absent", None),
        ([column("TITLE", distinct=1000), CODE], None, None),
        ([column("TITLE", distinct=1999, multi_valued=300)], None, None),
    ],
)
def test_the_text_is_the_configs_or_a_description_or_the_longest(
    columns: list[ColumnReport], wanted: str | None, text: str | None
) -> None:
    assert textual_column(ITEMS, columns, ROWS, wanted) == text


def test_only_items_have_a_text() -> None:
    assert textual_column(DATASETS["users"], [TITLE], ROWS, "TITLE") is None


def test_a_varied_filled_column_is_worth_more_than_one_that_says_little() -> None:
    best = worth(column("BRAND"), ROWS, is_text=False)
    poor = [
        column("BRAND", filled=500),
        column("BRAND", distinct=1),
        column("BRAND", distinct=1999),
        column("YEAR", "integer"),
    ]
    assert all(worth(one, ROWS, is_text=False) < best for one in poor)
    code, year = column("STORE_ID", "integer"), column("YEAR", "integer")
    assert worth(code, ROWS, is_text=False) < worth(year, ROWS, is_text=False)
    assert worth(TITLE, ROWS, is_text=True) > worth(TITLE, ROWS, is_text=False)
