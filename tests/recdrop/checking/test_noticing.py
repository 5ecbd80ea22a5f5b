"""What is accepted and all the same seldom meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from recdrop.checking.noticing import notice
from tests.recdrop.checking.exports import FIRST, checked, rows, write

OWN = "USER_ID,ITEM_ID,TIMESTAMP"


@pytest.mark.parametrize(
    ("user", "item", "codes"),
    [
        ("u{}", "i{}", []),
        ("{}.0", "i{}", ["float-ids"]),
        ("{}", "{}.93E+12", ["scientific-ids"]),
        ("{}", "{}.5", []),
    ],
)
def test_ids_that_went_through_a_spreadsheet(
    tmp_path: Path, user: str, item: str, codes: list[str]
) -> None:
    def row(n: int) -> str:
        return f"{user.format(n % 60)},{item.format(n % 9)},{FIRST + n}"

    found = checked(write(tmp_path / "interactions", {"a.csv": rows(OWN, row)}))
    assert [finding.code for finding in notice(found)] == codes
