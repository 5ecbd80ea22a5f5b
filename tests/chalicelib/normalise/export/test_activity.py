from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chalicelib.documents import Activity, Finding
from chalicelib.normalise.export.activity import MAX_DAYS, measure, user_counts
from chalicelib.normalise.export.minimums import UserCounts
from tests.chalicelib.normalise.house import write_clean

DAY = 86_400
FIRST = 19_000 * DAY
HEADER = "USER_ID,ITEM_ID,TIMESTAMP,QUANTITY,INVOICENO,STATUS"


def rows(count: int = 300) -> list[tuple[Any, ...]]:
    return [
        (f"u{n % 30}", f"item {n % 20}", FIRST + n * 3600, 1, 536365 + n, "paid")
        for n in range(count)
    ]


def found(folder: Path, made: list[tuple[Any, ...]]) -> tuple[Activity, dict[str, Finding]]:
    path = write_clean(folder / "a.csv", made, HEADER)
    activity, findings = measure({"interactions": [path]}, folder / "scratch")
    assert activity
    return activity, {finding.code: finding for finding in findings}


def test_ordinary_purchases_have_nothing_odd_about_them(tmp_path: Path) -> None:
    activity, odd = found(tmp_path, rows())
    assert odd == {}
    assert (activity.rows, activity.users, activity.items, activity.step) == (300, 30, 20, 1)
    assert activity.days[0] == (19_000, 24)
    assert len(activity.days) == 13
    assert activity.per_user == (0, 0, 0, 30), "ten each"
    assert activity.repeats == 0.8, "60 pairs of a user and an item"


def test_users_are_counted_exactly_over_files(tmp_path: Path) -> None:
    paths = [write_clean(tmp_path / f"{n}.csv", [("a", "i", n), (f"b{n}", "i", n)]) for n in (1, 2)]
    activity, _ = measure({"interactions": paths}, tmp_path / "scratch")
    assert user_counts(activity) == UserCounts(users=3, with_two=1, items=1)
    assert user_counts(None) == UserCounts(0, 0)
    empty = write_clean(tmp_path / "empty.csv", [])
    assert measure({"interactions": [empty]}, tmp_path / "scratch") == (None, ())


def test_years_are_told_in_steps_of_days(tmp_path: Path) -> None:
    made = [(f"u{n}", "i", FIRST + n * DAY, 1, 1, "") for n in range(0, 1000, 3)]
    activity, _ = found(tmp_path, made)
    assert activity.step == 3
    assert len(activity.days) <= MAX_DAYS
    assert sum(n for _, n in activity.days) == activity.rows


def test_items_without_an_event_are_cold(tmp_path: Path) -> None:
    items = write_clean(tmp_path / "i.csv", [("item 1", 1), ("item 99", 1)], "ITEM_ID,PRICE")
    interactions = write_clean(tmp_path / "a.csv", rows(), HEADER)
    activity, _ = measure({"interactions": [interactions], "items": [items]}, tmp_path / "s")
    assert activity
    assert activity.cold_items == 1
    assert measure({"items": [items]}, tmp_path / "s") == (None, ())


@pytest.mark.parametrize(
    ("changed", "code", "sentence"),
    [
        ({0: "guest"}, "dominant-user", "USER_ID 'guest' has 50% of all interactions"),
        ({1: "unknown"}, "dominant-item", "ITEM_ID 'unknown' has 50% of all interactions"),
    ],
)
def test_one_that_has_much_of_all_is_told(
    tmp_path: Path, changed: dict[int, str], code: str, sentence: str
) -> None:
    made = [
        tuple(changed.get(i, cell) if n % 2 else cell for i, cell in enumerate(row))
        for n, row in enumerate(rows())
    ]
    assert found(tmp_path, made)[1][code].sentence == sentence


def test_more_on_a_day_than_anybody_does_is_a_bot(tmp_path: Path) -> None:
    made = rows(5000) + [("crawler", f"item {n % 20}", FIRST + n, 1, 1, "") for n in range(1200)]
    bots = found(tmp_path, made)[1]["bots"]
    assert (bots.rows, bots.samples) == (1200, ("'crawler': 1,200 on a day",))
    assert bots.sentence == "1 user has more than 1,000 interactions on a day"


def test_postage_is_no_product(tmp_path: Path) -> None:
    made = [*rows(), ("u1", "POST", FIRST, 1, 1, ""), ("u2", "BANK CHARGES", FIRST, 1, 1, "")]
    odd = found(tmp_path, made)[1]["no-products"]
    assert (odd.rows, odd.samples) == (2, ("'BANK CHARGES': 1 rows", "'POST': 1 rows"))


def test_short_ids_may_be_letters(tmp_path: Path) -> None:
    made = [(f"u{n % 9}", "MDSBXYZ"[n % 7], FIRST + n, 1, 1, "") for n in range(70)]
    assert "no-products" not in found(tmp_path, made)[1]


@pytest.mark.parametrize(
    ("quantity", "invoice", "status"),
    [(-1, 536379, ""), (1, "C536379", ""), (1, 536379, "partially_refunded")],
)
def test_what_came_back_is_no_purchase(
    tmp_path: Path, quantity: int, invoice: Any, status: str
) -> None:
    made = [*rows(), ("u1", "item 1", FIRST, quantity, invoice, status)]
    odd = found(tmp_path, made)[1]["returns"]
    assert (odd.rows, len(odd.samples)) == (1, 1)
