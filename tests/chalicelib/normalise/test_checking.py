from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.documents import (
    ColumnReport,
    Counted,
    FileReport,
    Kind,
    SetReport,
    encode,
)
from chalicelib.normalise.checking import UserCounts, check_ids, check_set, count_users
from chalicelib.normalise.errors import SetRejected
from tests.chalicelib.normalise.house import write_clean


def column(
    name: str, kind: Kind = "text", filled: int = 2000, distinct: int = 10, **more: Any
) -> ColumnReport:
    return ColumnReport(name=name, source=name, kind=kind, filled=filled, distinct=distinct, **more)


INTERACTIONS = (column("USER_ID", "id"), column("ITEM_ID", "id"), column("TIMESTAMP", "timestamp"))


def report(**changes: Any) -> FileReport:
    base = FileReport(
        dataset="interactions",
        key="shop/interactions/a.csv",
        source_bytes=1,
        sha256="",
        format="csv",
        header=(),
        rows=2000,
        kept=2000,
        columns=INTERACTIONS,
        first_timestamp=1,
        last_timestamp=9,
        users=100,
        users_with_two=90,
    )
    return msgspec.structs.replace(base, **changes)


def test_enough_data_can_train() -> None:
    found = check_set([report()])
    assert found.verdict == "yes"
    assert [(r.name, r.have, r.minimum) for r in found.requirements] == [
        ("interactions", 2000, 1000),
        ("users with two or more interactions", 90, 25),
    ]
    assert {f.code for f in found.findings} == {"few-interactions", "few-users"}
    assert msgspec.json.decode(encode(found), type=SetReport) == found


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        (
            {"kept": 999},
            "too-few-interactions",
            "The export has 999 usable interactions. Expected at least 1,000",
        ),
        (
            {"users_with_two": 24},
            "too-few-users",
            "24 users have two or more interactions. Expected at least 25",
        ),
        (
            {"users": 9_100},
            "too-few-repeat-users",
            "90 of 9,100 users have two or more interactions. Expected at least 1 %",
        ),
        (
            {"event_types": {str(n): 1 for n in range(11)}},
            "too-many-event-types",
            "more than 10 event types",
        ),
        ({"last_timestamp": 1}, "one-timestamp", "All interactions have the TIMESTAMP 1"),
    ],
)
def test_what_personalize_would_refuse_is_refused_first(
    changes: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(SetRejected) as error:
        check_set([report(**changes)])
    assert error.value.code == code
    assert message in str(error.value)


def test_exactly_the_minimum_is_enough() -> None:
    assert check_set([report(kept=1000, rows=1000, users=2500, users_with_two=25)]).verdict == "yes"


def test_an_increment_need_not_be_trainable_by_itself() -> None:
    assert check_set([report(users_with_two=0)], mode="INCREMENTAL").requirements[1].have == 0


def test_files_of_one_dataset_must_have_the_same_columns_in_any_order() -> None:
    other = report(key="shop/interactions/b.csv", columns=INTERACTIONS[::-1])
    assert check_set([report(), other]).summary("interactions")
    with pytest.raises(
        SetRejected,
        match=r"'shop/interactions/b.csv' and 'shop/interactions/a.csv' differ in EVENT_TYPE",
    ):
        check_set(
            [
                report(),
                report(
                    key="shop/interactions/b.csv", columns=(*INTERACTIONS, column("EVENT_TYPE"))
                ),
            ]
        )


def test_items_alone_need_interactions_from_before() -> None:
    items = report(dataset="items", columns=(column("ITEM_ID", "id"), column("GENRE")))
    assert check_set([items], has_interactions=True).verdict == "yes"
    with pytest.raises(SetRejected, match="has no interactions"):
        check_set([items])
    with pytest.raises(SetRejected, match="No file of the export can be used"):
        check_set([])


def test_the_exact_count_is_asked_for_only_when_the_bounds_leave_it_open() -> None:
    halves = [report(kept=1000, users_with_two=90), report(kept=1000, users_with_two=80)]
    assert check_set(halves, count=lambda: pytest.fail("not needed")).requirements[1].have == 90
    few = [report(users_with_two=5), report(users_with_two=5)]
    assert check_set(few, count=lambda: UserCounts(150, 60)).requirements[1].have == 60


def test_drops_and_fixes_become_findings_with_places() -> None:
    drops = (Counted("ragged", "have too few columns", 3, (5, 9)),)
    found = check_set(
        [
            report(
                dropped=drops,
                fixed=(Counted("ms", "timestamps in milliseconds turned into seconds", 7),),
            )
        ]
    )
    ragged = next(f for f in found.findings if f.code == "ragged")
    assert (ragged.severity, ragged.rows, ragged.share) == ("warning", 3, 0.0015)
    assert ragged.samples == ("shop/interactions/a.csv:5", "shop/interactions/a.csv:9")
    assert found.verdict == "yes with warnings"
    assert next(f for f in found.findings if f.code == "ms").severity == "info"


def test_a_manifest_that_counts_differently_is_told() -> None:
    found = check_set([report()], expected_rows={"shop/interactions/a.csv": 2001})
    assert any("has 2,000 rows; the manifest says 2,001" in f.sentence for f in found.findings)


def test_sparse_columns_are_told() -> None:
    found = check_set([report(columns=(*INTERACTIONS, column("DEVICE", filled=1000)))])
    assert any(
        "DEVICE of interactions has a value in 50% of the rows" in f.sentence
        for f in found.findings
    )


def test_users_are_counted_exactly_over_files(tmp_path: Path) -> None:
    paths = [write_clean(tmp_path / f"{n}.csv", [("a", "i", n), (f"b{n}", "i", n)]) for n in (1, 2)]
    assert count_users(paths, tmp_path / "scratch") == UserCounts(users=3, with_two=1)


def test_ids_that_only_nearly_match_are_shown(tmp_path: Path) -> None:
    interactions = write_clean(
        tmp_path / "x.csv", [("u", "7", 1), ("u", "Shoe", 2), ("u", "i1", 3)]
    )
    items = write_clean(
        tmp_path / "i.csv",
        [("007", "a"), ("shoe", "a"), ("i1", "b"), ("i2", "b")],
        header="ITEM_ID,GENRE",
    )
    unknown, idle = check_ids(
        {"interactions": [interactions], "items": [items]}, tmp_path / "scratch"
    )
    assert (unknown.code, unknown.rows) == ("unknown-items", 2)
    assert unknown.samples == ("'7' is like '007'", "'Shoe' is like 'shoe'")
    assert idle.sentence == "3 of 4 items have no interaction"
