from __future__ import annotations

import pytest

from chalicelib.documents import Kind
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.export.summaries import merge_columns, summarise
from tests.chalicelib.normalise.house import INTERACTIONS, column, report


def test_files_add_up() -> None:
    first = report(event_types={"view": 5, "buy": 1}, first_timestamp=3, last_timestamp=9)
    second = report(event_types={"buy": 6}, rows=10, kept=7, first_timestamp=1, last_timestamp=None)
    found = summarise("interactions", [first, second])
    assert (found.files, found.rows, found.kept) == (2, 2010, 2007)
    assert list(found.event_types.items()) == [("buy", 7), ("view", 5)]
    assert (found.first_timestamp, found.last_timestamp) == (1, 9)


def test_the_columns_of_two_files_become_one_report_each() -> None:
    left = column("PRICE", "integer", filled=1, distinct=3, max_length=2, mean_length=2.0)
    right = column("PRICE", "integer", filled=3, distinct=2, max_length=4, mean_length=4.0)
    (found,) = merge_columns([report(columns=(left,)), report(columns=(right,))])
    assert (found.filled, found.distinct, found.max_length, found.mean_length) == (4, 3, 4, 3.5)


def test_extremes_and_frequent_values_are_of_all_files() -> None:
    left = column("PRICE", minimum=1.0, maximum=5.0, top=(("a", 5), ("b", 2)))
    right = column("PRICE", minimum=None, maximum=7.0, top=(("b", 4), ("c", 5)))
    (found,) = merge_columns([report(columns=(left,)), report(columns=(right,))])
    assert (found.minimum, found.maximum) == (1.0, 7.0)
    assert found.top == (("b", 6), ("a", 5), ("c", 5))


@pytest.mark.parametrize(
    ("left", "right", "merged"),
    [
        ("integer", "number", "number"),
        ("text", "integer", "text"),
        ("empty", "integer", "integer"),
    ],
)
def test_a_kind_that_differs_becomes_the_wider_one(left: Kind, right: Kind, merged: Kind) -> None:
    files = [report(columns=(column("X", kind),)) for kind in (left, right)]
    assert merge_columns(files)[0].kind == merged


def test_files_of_one_dataset_must_have_the_same_columns_in_any_order() -> None:
    other = report(key="shop/interactions/b.csv", columns=INTERACTIONS[::-1])
    assert summarise("interactions", [report(), other]).files == 2
    wider = report(key="shop/interactions/b.csv", columns=(*INTERACTIONS, column("EVENT_TYPE")))
    message = r"'shop/interactions/b.csv' and 'shop/interactions/a.csv' differ in EVENT_TYPE"
    with pytest.raises(SetRejected, match=message):
        summarise("interactions", [report(), wider])
