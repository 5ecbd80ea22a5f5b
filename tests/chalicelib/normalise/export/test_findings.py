from __future__ import annotations

import pytest

from chalicelib.documents import ColumnReport, Counted
from chalicelib.normalise.export.findings import (
    column_findings,
    count_findings,
    interaction_findings,
    note_findings,
    row_findings,
)
from chalicelib.normalise.export.minimums import UserCounts
from chalicelib.normalise.export.summaries import summarise
from tests.chalicelib.normalise.house import INTERACTIONS, column, report


def test_drops_and_fixes_are_told_with_places() -> None:
    drops = (Counted("ragged", "have too few columns", 3, (5, 9)),)
    fixes = (Counted("ms", "timestamps in milliseconds turned into seconds", 7),)
    ragged, ms = row_findings("interactions", [report(dropped=drops, fixed=fixes)])
    assert (ragged.severity, ragged.rows, ragged.share) == ("warning", 3, 0.0015)
    assert ragged.sentence == "3 rows of interactions dropped: they have too few columns"
    assert ragged.samples == ("shop/interactions/a.csv:5", "shop/interactions/a.csv:9")
    assert (ms.severity, ms.code) == ("info", "ms")


def test_the_same_drop_in_several_files_is_one_finding_with_three_places() -> None:
    drop = Counted("quote", "have a quote that does not close", 2, (5, 9))
    (found,) = row_findings(
        "interactions", [report(dropped=(drop,)), report(key="b.csv", dropped=(drop,))]
    )
    assert (found.rows, found.share) == (4, 0.001)
    assert found.samples == ("shop/interactions/a.csv:5", "shop/interactions/a.csv:9", "b.csv:5")


def test_rows_that_the_config_leaves_out_are_no_warning() -> None:
    drop = Counted("event-type", "have an EVENT_TYPE other than buy", 1, (2,))
    (found,) = row_findings("interactions", [report(dropped=(drop,))])
    assert found.severity == "info"
    assert found.sentence.startswith("1 row of interactions")


def test_a_manifest_that_counts_differently_is_told() -> None:
    (found,) = count_findings([report()], {"shop/interactions/a.csv": 2001, "gone.csv": 1})
    assert "has 2,000 rows; the manifest says 2,001" in found.sentence
    assert count_findings([report()], {"shop/interactions/a.csv": 2000}) == []


@pytest.mark.parametrize(
    ("odd", "code", "sentence"),
    [
        (
            column("DEVICE", filled=1000),
            "incomplete",
            "DEVICE of interactions has a value in 50% of the rows",
        ),
        (
            column("SHOP", distinct=31),
            "many-categories",
            "SHOP of interactions has about 31 different values",
        ),
    ],
)
def test_sparse_columns_and_many_categories_are_told(
    odd: ColumnReport, code: str, sentence: str
) -> None:
    (found,) = column_findings(summarise("interactions", [report(columns=(*INTERACTIONS, odd))]))
    assert (found.code, found.sentence) == (code, sentence)


@pytest.mark.parametrize(
    "fine",
    [
        column("SHOP", distinct=30),
        column("NOTE", distinct=1900),
        column("TAGS", distinct=300, multi_valued=5),
        column("PRICE", "number", distinct=300),
    ],
)
def test_texts_lists_and_numbers_are_no_categories(fine: ColumnReport) -> None:
    assert column_findings(summarise("interactions", [report(columns=(fine,))])) == []


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (750_000, []),
        (750_001, ["750,001 items; recipes before v2 consider 750,000"]),
        (5_000_001, ["5,000,001 items; Personalize considers 5,000,000"]),
    ],
)
def test_more_items_than_a_model_considers_are_told(items: int, told: list[str]) -> None:
    summary = summarise(
        "interactions",
        [report(kept=50_000, columns=(column("ITEM_ID", "id", filled=50_000),))],
    )
    found = interaction_findings(summary, UserCounts(2000, 1000, items))
    assert [finding.sentence for finding in found] == told


def test_how_files_were_read_is_told_once_for_all_that_were_read_so() -> None:
    files = [
        report(key="a", notes=("unpacked gzip", "read as CSV: comma")),
        report(key="b", notes=("read as CSV: comma",)),
    ]
    found = note_findings("items", files)
    assert [(f.severity, f.code, f.sentence) for f in found] == [
        ("info", "read-as", "items: unpacked gzip"),
        ("info", "read-as", "items: read as CSV: comma (2 files)"),
    ]


def test_values_that_will_be_cut_are_told() -> None:
    summary = summarise("items", [report(dataset="items", columns=(column("TAGS", too_long=2),))])
    assert "2 values of TAGS of items have more than 1,000" in column_findings(summary)[0].sentence
