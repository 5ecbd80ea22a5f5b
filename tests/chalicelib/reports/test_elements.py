from __future__ import annotations

from chalicelib.reports.elements import chart, details, table


def test_what_a_reader_sees_is_escaped() -> None:
    assert "<b>" not in table("<b>", ["<b>"], [["<b>", "<b>"]])
    assert "<b>" not in chart("<b>", [("<b>", "<b>", 0.0, 1.0)])
    assert "<b>" not in details("<b>", "")


def test_the_first_cell_of_a_row_is_its_head() -> None:
    assert '<tr><th scope="row">a</th><td>1</td></tr>' in table("t", ["x", "y"], [["a", "1"]])


def test_a_bar_of_no_length_is_seen_all_the_same() -> None:
    assert 'width="1.0"' in chart("t", [("a", "0", 0.0, 0.0)])
