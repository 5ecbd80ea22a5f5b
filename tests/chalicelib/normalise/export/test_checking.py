from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.documents import Counted, Finding, SetReport, encode
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.export.checking import check_set, verdict
from chalicelib.normalise.export.minimums import UserCounts
from tests.chalicelib.normalise.house import column, report


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


def test_items_alone_need_interactions_from_before() -> None:
    items = report(dataset="items", columns=(column("ITEM_ID", "id"), column("GENRE")))
    assert check_set([items], has_interactions=True).verdict == "yes"
    with pytest.raises(SetRejected, match="has no interactions"):
        check_set([items])
    with pytest.raises(SetRejected, match="No file of the export can be used"):
        check_set([])


def test_counts_over_several_files_are_exact_or_said_to_be_bounds() -> None:
    halves = [report(kept=1000, users_with_two=30), report(kept=1000, users_with_two=30)]
    (_, exact) = check_set(halves, count=lambda: UserCounts(60, 60, 9)).requirements
    assert (exact.name, exact.have) == ("users with two or more interactions", 60)
    (_, bound) = check_set(halves).requirements
    assert (bound.name, bound.have) == ("users with two or more interactions (at least)", 30)


def test_items_beyond_what_is_considered_are_counted_over_all_files() -> None:
    halves = [report(items=400_000), report(items=400_000)]
    found = check_set(halves, count=lambda: UserCounts(60, 60, 800_000))
    assert "800,000 items; recipes before v2 consider 750,000" in {
        f.sentence for f in found.findings
    }


def test_a_warning_colours_the_verdict_and_an_information_does_not() -> None:
    drops = (Counted("ragged", "have too few columns", 3, (5, 9)),)
    found = check_set([report(dropped=drops)], expected_rows={"shop/interactions/a.csv": 2000})
    assert found.verdict == "yes with warnings"
    assert "ragged" in {finding.code for finding in found.findings}
    assert verdict([Finding("info", "few-users", "")]) == "yes"
