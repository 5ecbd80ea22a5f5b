from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.normalise.errors import FileRejected
from tests.chalicelib.normalise.house import clean


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_and_quoted_headers_are_found_out(tmp_path: Path, delimiter: str) -> None:
    lines = [['"USER_ID"', '"ITEM_ID"', '"TIMESTAMP"'], ['"u1"', "i1", "1700000000"]]
    found = clean(tmp_path, "\n".join(delimiter.join(line) for line in lines))
    assert found.rows == [{"USER_ID": "u1", "ITEM_ID": "i1", "TIMESTAMP": "1700000000"}]


def test_a_file_without_a_header_is_read_with_the_configs(tmp_path: Path) -> None:
    body = "u1,i1,1700000000\nu2,i2,1700000001\n"
    found = clean(tmp_path, body, rules={"header": ("USER_ID", "ITEM_ID", "TIMESTAMP")})
    assert found.report.kept == 2
    with_one = clean(
        tmp_path,
        f"user_id,item_id,timestamp\n{body}",
        rules={"header": ("USER_ID", "ITEM_ID", "TIMESTAMP")},
    )
    assert with_one.report.kept == 2
    with pytest.raises(FileRejected, match=r"has 3 columns. Expected 2"):
        clean(tmp_path, body, rules={"header": ("USER_ID", "ITEM_ID")})
