from __future__ import annotations

from chalicelib.documents import HistoryRecord
from recdrop.cli.report import SHOWN, history


def record(number: int) -> HistoryRecord:
    return HistoryRecord(
        run=f"r{number}",
        solution="for-you",
        did="hold",
        evidence="worse",
        at=f"2026-01-{number:02d}T00:00:00Z",
    )


def test_what_was_done_is_told_the_newest_last() -> None:
    told = history([record(1), record(2)]).splitlines()
    assert told[2:] == [
        "  2026-01-01T00:00:00Z  for-you          hold      worse  (run r1)",
        "  2026-01-02T00:00:00Z  for-you          hold      worse  (run r2)",
    ]


def test_a_long_history_is_told_from_its_end() -> None:
    told = history([record(n) for n in range(1, 25)])
    assert told.count("for-you") == SHOWN
    assert "(run r24)" in told
    assert "(run r1)" not in told


def test_a_group_without_a_history_has_nothing_to_tell() -> None:
    assert history([]) == ""
