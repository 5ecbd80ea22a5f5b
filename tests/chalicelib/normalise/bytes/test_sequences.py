from __future__ import annotations

from pathlib import Path

from chalicelib.normalise.bytes.sequences import LAST, STEP
from tests.chalicelib.normalise.house import clean


def test_the_items_of_a_line_keep_their_order_and_end_at_the_same_time(tmp_path: Path) -> None:
    found = clean(tmp_path, "1 a b\n\n2\tc\n3\n", rules={"are_sequences": True})
    assert [tuple(row.values()) for row in found.rows] == [
        ("1", "a", str(LAST - STEP)),
        ("1", "b", str(LAST)),
        ("2", "c", str(LAST)),
    ]
    assert "made up" in found.report.notes[0]
