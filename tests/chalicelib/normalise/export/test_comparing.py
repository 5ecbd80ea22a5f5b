from __future__ import annotations

from pathlib import Path

from chalicelib.documents import Contents, Rejection
from chalicelib.normalise.export.comparing import (
    SAMPLE,
    add,
    interactions_of,
    losses,
    missing,
    share_kept,
)
from tests.chalicelib.normalise.house import report


def write(path: Path, rows: range) -> Path:
    lines = [f"u{n % 50},i{n % 7},{1_700_000_000 + n}" for n in rows]
    path.write_text("\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *lines, ""]))
    return path


def test_what_interactions_hold(tmp_path: Path) -> None:
    held = interactions_of([write(tmp_path / "a.csv", range(9_000))], tmp_path / "s")
    assert (held.rows, held.users, held.items) == (9_000, 50, 7)
    assert (held.first, held.last) == (1_700_000_000, 1_700_008_999)
    assert len(held.sample) == SAMPLE


def test_the_share_that_is_kept_is_of_rows_not_of_counts(tmp_path: Path) -> None:
    before = interactions_of([write(tmp_path / "a.csv", range(4_000))], tmp_path / "s")
    again = write(tmp_path / "b.csv", range(6_000))
    others = write(tmp_path / "c.csv", range(4_000, 8_000))
    most = write(tmp_path / "d.csv", range(1_000, 5_000))
    assert share_kept(before, [again], tmp_path / "s") == 1
    assert share_kept(before, [others], tmp_path / "s") == 0
    assert 0.65 < share_kept(before, [most], tmp_path / "s") < 0.85


def test_what_is_lost_is_named_by_dataset() -> None:
    before = {"interactions": Contents(rows=100, users=10, items=5), "users": Contents(rows=10)}
    now = {"interactions": Contents(rows=100, users=7, items=5)}
    assert [str(loss) for loss in losses(before, now, 0.9, 0.8)] == [
        "70% of the users is left (10 before, 7 now)"
    ]
    assert losses(before, now, 0.9, 0.7) == []


def test_an_increment_never_counts_more_than_there_is() -> None:
    before = {"interactions": Contents(rows=100, users=10, first=5, last=9, sample=(1, 4))}
    now = {"interactions": Contents(rows=30, users=12, first=8, last=20, sample=(2, 4))}
    after = add(before, now, "INCREMENTAL")["interactions"]
    assert (after.rows, after.users, after.first, after.last) == (100, 12, 5, 20)
    assert after.sample == (1, 2, 4)
    assert add(before, now, "FULL") == now


def test_what_is_missing_is_told_and_not_without_end() -> None:
    rejected = [Rejection(f"shop/items/{n}.csv", "pdf", "It is a PDF.") for n in range(5)]
    short = report(rows=750, kept=750)
    told = missing(rejected, [short], {short.key: 90_000})
    assert told[0] == "shop/items/0.csv cannot be used: It is a PDF."
    assert told[-1] == "and 3 more"
    assert missing([], [short], {short.key: 750}) == []
