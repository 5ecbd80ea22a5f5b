from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from chalicelib.config.sections import Gate
from chalicelib.normalise.export.sampling import Live, Withholding, withhold
from tests.chalicelib.normalise.house import read_rows, write_clean

Row = tuple[str, str, int]
GATE = Gate(min_users=20, max_users=50, withhold=0.02)


def many(users: int, each: int, start: int = 1000) -> list[Row]:
    return [(f"u{u}", f"i{n}", start + n) for u in range(users) for n in range(each)]


def run(
    folder: Path,
    sampled: list[Row],
    gate: Gate = GATE,
    others: int = 0,
    live: Sequence[Live] = (),
    returned: Sequence[Path] = (),
    seed: str = "recdrop",
    wanted: int | None = None,
) -> tuple[Withholding, list[Row], list[Row]]:
    """The result, the withheld rows, and the rows of the sampled files that are imported.

    `others` are users with two interactions each in the parts that are not sampled.
    """
    paths = [write_clean(folder / "sampled.csv", sampled)] if sampled else []
    users = Counter(row[0] for row in sampled)
    found = withhold(
        paths,
        folder / "out",
        gate=gate,
        rows=len(sampled) + 2 * others,
        users_with_two=sum(n > 1 for n in users.values()) + others,
        live=live,
        returned=returned,
        everyone=not others,
        seed=seed,
        wanted=wanted,
    )
    imported = [path for path in (found.remainder, found.returned) if path]
    return found, load(found.withheld), [row for path in imported for row in load(path)]


def load(path: Path | None) -> list[Row]:
    return (
        [(r["USER_ID"], r["ITEM_ID"], int(r["TIMESTAMP"])) for r in read_rows(path)] if path else []
    )


def test_the_newest_tenth_of_each_sampled_user_is_withheld_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    rows = many(users=40, each=40)
    found, truth, imported = run(tmp_path, rows)
    assert found.users == 20
    assert found.rows == len(truth) == 20 * 4
    assert {row[2] for row in truth} == {1036, 1037, 1038, 1039}
    assert sorted(truth + imported) == sorted(rows)
    assert "20 users are withheld" in found.note


def test_of_a_large_export_all_sampled_users_are_taken_when_they_are_few(tmp_path: Path) -> None:
    rows = many(users=12, each=40)
    found, truth, imported = run(tmp_path, rows, others=5000)
    assert found.users == 12
    assert found.note.endswith("12 users are withheld, fewer than the 20 that the gate asks for")
    assert sorted(truth + imported) == sorted(rows)


def test_a_large_sample_is_cut_to_the_gates_maximum(tmp_path: Path) -> None:
    gate = msgspec.structs.replace(GATE, withhold=0.5)
    found, truth, imported = run(tmp_path, many(users=200, each=10), gate, others=15)
    assert found.users == 50
    assert len(truth) == 50
    assert len(imported) == 2000 - 50


def test_an_export_without_sampled_rows_withholds_nothing(tmp_path: Path) -> None:
    found, truth, imported = run(tmp_path, [], others=600)
    assert (found.withheld, found.remainder, truth, imported) == (None, None, [], [])
    assert "no user has two interactions" in found.note


def test_the_share_of_users_is_taken_when_it_is_more_than_the_minimum(tmp_path: Path) -> None:
    gate = Gate(min_users=5, max_users=400, withhold=0.2)
    found, _, _ = run(tmp_path, many(users=300, each=10), gate=gate)
    assert 40 < found.users < 80


def test_only_interactions_newer_than_the_live_versions_data_are_truth(tmp_path: Path) -> None:
    old, new = many(users=40, each=30), many(users=10, each=2, start=5000)
    found, truth, _ = run(tmp_path, [*old, *new], live=[Live(2000)])
    assert found.users == 10
    assert all(row[2] > 2000 for row in truth)
    nothing, _, imported = run(tmp_path / "none", old, live=[Live(2000)])
    assert nothing.withheld is None
    assert "that no live version has seen" in nothing.note
    assert sorted(imported) == sorted(old)


def test_every_sampled_user_keeps_an_older_interaction(tmp_path: Path) -> None:
    rows = [
        *many(users=400, each=3),
        *(("once", f"i{n}", 1000) for n in range(1)),
        *((f"single{n}", "i", 1) for n in range(100)),
    ]
    _, truth, imported = run(tmp_path, rows)
    left = {row[0] for row in imported}
    assert {row[0] for row in truth} <= left
    assert not any(row[0].startswith("single") for row in truth)


@pytest.mark.parametrize("extra", [0, 1, 15])
def test_personalizes_minimum_of_1000_interactions_is_never_broken(
    tmp_path: Path, extra: int
) -> None:
    rows = [*many(users=25, each=40), *(("u0", f"x{n}", 500) for n in range(extra))]
    found, truth, imported = run(tmp_path, rows)
    assert len(imported) >= 1000
    assert len(truth) <= extra
    if extra < 4:
        assert found.withheld is None
        assert found.note.startswith("Nothing is withheld")


def test_25_users_with_two_interactions_are_left(tmp_path: Path) -> None:
    rows = [*many(users=26, each=2), *((f"single{n}", "i", 1) for n in range(1500))]
    _, truth, imported = run(tmp_path, rows)
    users = [row[0] for row in imported]
    assert sum(users.count(u) > 1 for u in set(users)) >= 25
    assert len(truth) <= 1


def test_the_same_users_are_chosen_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = many(users=60, each=20)
    _, first, _ = run(tmp_path / "a", rows)
    _, second, _ = run(tmp_path / "b", rows[::-1])
    assert sorted(first) == sorted(second)


def test_of_interactions_at_the_same_second_the_later_line_counts_as_newer(tmp_path: Path) -> None:
    rows = [(f"u{u}", f"i{n}", 1000) for u in range(60) for n in range(20)]
    _, truth, _ = run(tmp_path, rows)
    assert {row[1] for row in truth} == {"i18", "i19"}


def test_rows_withheld_before_are_imported_with_the_next_increment(tmp_path: Path) -> None:
    earlier = write_clean(tmp_path / "earlier.csv", [("z", "i", 900), ("z", "i", 900)])
    found, _, imported = run(tmp_path, many(users=40, each=40), returned=[earlier])
    assert found.returned
    assert ("z", "i", 900) in imported


def test_withholding_can_be_switched_off(tmp_path: Path) -> None:
    found, truth, imported = run(tmp_path, many(users=40, each=40), gate=Gate(withhold=0.0))
    assert not truth
    assert len(imported) == 1600
    assert found.note == "Nothing is withheld: the config withholds nothing."


def test_another_seed_draws_other_users(tmp_path: Path) -> None:
    rows = many(users=400, each=20)
    _, first, _ = run(tmp_path / "a", rows, seed="run-1")
    _, second, _ = run(tmp_path / "b", rows, seed="run-2")
    common = {row[0] for row in first} & {row[0] for row in second}
    assert len(common) < 10


def test_users_are_spread_over_activity(tmp_path: Path) -> None:
    rows = [(f"u{u}", f"i{n}", n) for u in range(200) for n in range(2 + u % 40)]
    found, truth, _ = run(tmp_path, rows)
    drawn = {row[0] for row in truth}
    activity = sorted(2 + int(user[1:]) % 40 for user in drawn)
    assert found.users == len(drawn) == 20
    for tenth in range(10):
        low = 2 + 4 * tenth
        assert sum(low <= n < low + 4 for n in activity) == 2, activity


def test_as_many_users_are_taken_as_the_power_asks_for(tmp_path: Path) -> None:
    rows = many(users=200, each=20)
    assert run(tmp_path / "a", rows, wanted=35)[0].users == 35
    assert run(tmp_path / "b", rows, wanted=1)[0].users == 20
    assert run(tmp_path / "c", rows, wanted=1000)[0].users == 50
    assert run(tmp_path / "d", rows)[0].population == 200


def test_a_second_export_of_the_same_period_is_judged_by_what_was_withheld_from_live(
    tmp_path: Path,
) -> None:
    """Nothing is newer than live's data, but live has not seen what was kept from it."""
    rows = many(users=40, each=40)
    first, truth, _ = run(tmp_path / "first", rows, seed="run-1")
    corrected = [(user, f"{item}-corrected", at) for user, item, at in rows]
    live = [Live(max(row[2] for row in rows), first.withheld)]
    again, second, imported = run(tmp_path / "second", corrected, live=live, seed="run-2")
    assert again.users == 20
    assert {(user, at) for user, _, at in second} == {(user, at) for user, _, at in truth}
    assert len(second) + len(imported) == len(rows)


@pytest.mark.parametrize("column", ["ROWID", "IS_FRESH", "N"])
def test_a_column_may_have_any_name(tmp_path: Path, column: str) -> None:
    rows = [(*row, "7") for row in many(users=40, each=40)]
    path = write_clean(tmp_path / "sampled.csv", rows, f"USER_ID,ITEM_ID,TIMESTAMP,{column}")
    found = withhold(
        [path], tmp_path / "out", gate=GATE, rows=1600, users_with_two=40, everyone=True
    )
    assert found.withheld is not None
    assert found.remainder is not None
    withheld = read_rows(found.withheld)
    assert {int(row["TIMESTAMP"]) for row in withheld} == {1036, 1037, 1038, 1039}
    assert {row[column] for row in withheld} == {"7"}
    assert len(withheld) + len(read_rows(found.remainder)) == 1600


def test_what_one_of_two_live_versions_has_seen_is_no_truth(tmp_path: Path) -> None:
    rows = many(users=40, each=40)
    first, _, _ = run(tmp_path / "first", rows)
    newest = max(row[2] for row in rows)
    both = [Live(newest, first.withheld), Live(newest)]
    assert run(tmp_path / "second", rows, live=both)[0].withheld is None
