from __future__ import annotations

import pytest

from chalicelib.sources.sequences import recognise

LINES = [f"{user} {' '.join(map(str, range(user, 2 * user + 3)))}" for user in range(1, 9)]


def test_a_number_and_a_list_of_numbers_in_each_line_is_a_sequence() -> None:
    found = recognise("a.txt", LINES)
    assert found
    assert found.adapter.name == "sequences"
    assert found.why == "'a.txt' has a number and a list of numbers in each line"


@pytest.mark.parametrize(
    "lines",
    [
        LINES[:2],
        ["some text in lines", *LINES[:3]],
        [f"{n} 1 2" for n in range(9)],
        ["1 2 3", *LINES],
        [],
    ],
    ids=["too few", "text", "a table", "a user twice", "nothing"],
)
def test_other_lines_are_none(lines: list[str]) -> None:
    assert recognise("a.txt", lines) is None
