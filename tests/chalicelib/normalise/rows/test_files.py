from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.documents import FileReport, decode, encode
from chalicelib.normalise.errors import FileRejected
from tests.chalicelib.normalise.house import HEADER, clean, read_rows


def test_columns_can_be_left_out(tmp_path: Path) -> None:
    found = clean(
        tmp_path, "ITEM_ID,PRICE,Unit cost\n1,10,3\n", "items", {"drop_columns": ("unit cost",)}
    )
    assert found.report.clean_header == ("ITEM_ID", "PRICE")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("ITEM_ID,TIMESTAMP\n1,1700000000\n", "header", "no USER_ID"),
        (f"{HEADER}\n", "no-rows", "a header and no rows"),
        (HEADER, "no-rows", "a header and no rows"),
        (
            f"{HEADER}\nu1,i1,01/02/2023\nu2,i2,1700000000\n",
            "too-many-bad-rows",
            "more than 5%: 1 have no TIMESTAMP that can be read (line 2: 'u1,i1,01/02/2023')",
        ),
        ('{"a": 1}\n', "header", "no USER_ID and no ITEM_ID"),
        ("PAR1 is not Parquet", "unreadable", "cannot be read as parquet"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_was_found(
    tmp_path: Path, body: str, code: str, message: str
) -> None:
    with pytest.raises(FileRejected) as error:
        clean(tmp_path, body, rules={"max_bad_rows": 0.05})
    assert error.value.code == code
    assert message in str(error.value)


def test_the_same_file_gives_the_same_bytes_and_the_report_survives_its_json(
    tmp_path: Path,
) -> None:
    body = "\n".join(
        [HEADER, *(f"u{i % 313},i{i * 7919 % 1013},{1_700_000_000 + i}" for i in range(30_000))]
    )
    first, second = (clean(tmp_path / name, body, rules={"withhold": 0.1}) for name in "ab")
    assert first.normalised.part.read_bytes() == second.normalised.part.read_bytes()
    assert decode(encode(first.report), FileReport, "a file") == first.report == second.report


cell = st.text(alphabet=string.printable + "é\u2028\x00🛒", max_size=12)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(cell, min_size=3, max_size=5), max_size=20), st.sampled_from([",", ";", "\t"])
)
def test_whatever_comes_the_outcome_is_a_clean_file_or_a_reason(
    tmp_path: Path, rows: list[list[str]], delimiter: str
) -> None:
    body = "\n".join(
        delimiter.join(row)
        for row in [
            ["USER_ID", "ITEM_ID", "TIMESTAMP", "NOTE"],
            ["u", "i", "1700000000", "n"],
            *rows,
        ]
    )
    try:
        found = clean(tmp_path, body)
    except FileRejected as error:
        assert str(error)  # noqa: PT017
        return
    _check_clean(found.normalised.part, found.report.kept)
    assert found.report.rows == found.report.kept + sum(found.dropped.values())


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_cleaned_or_refused(tmp_path: Path, body: bytes) -> None:
    for prefix in (b"", b"USER_ID,ITEM_ID,TIMESTAMP\n", b"\x1f\x8b", b'{"USER_ID": "u"}\n'):
        try:
            found = clean(tmp_path, prefix + body)
        except FileRejected:
            continue
        _check_clean(found.normalised.part, found.report.kept)


def _check_clean(path: Path, rows: int) -> None:
    """Every record is one line, and what Personalize asks of ids and times holds."""
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == rows + 1
    for row in read_rows(path):
        fields: dict[Any, Any] = row
        assert None not in fields
        assert int(row["TIMESTAMP"]) > 0
        for column in ("USER_ID", "ITEM_ID"):
            assert row[column].strip()
            assert len(row[column]) <= 256
            assert not set(row[column]) & set('"|\n\r\t\x00')


def test_many_columns_with_a_repair_each_and_awkward_names(tmp_path: Path) -> None:
    names = [
        "why",
        "fix",
        "id",
        "rank",
        "n",
        "hashed",
        "filename",
        "line",
        "c0",
        "select",
        *(f"x{n}" for n in range(30)),
    ]
    body = "\n".join(
        [
            ",".join(["ITEM_ID", *names]),
            *(",".join([f"i{r}", *(f'"a\tb{r}"' for _ in names)]) for r in range(5)),
        ]
    )
    found = clean(tmp_path, body, "items")
    assert list(found.rows[0]) == ["ITEM_ID", *(name.upper() for name in names)]
    assert found.rows[2]["FILENAME"] == "a b2"
    assert sum(counted.rows for counted in found.report.fixed) == 40 * 5


def test_a_column_named_like_duckdbs_row_number_hides_nothing(tmp_path: Path) -> None:
    body = f"{HEADER},rowid\nu1,i1,1700000000,x\nu1,i1,1700000000,x\n,i1,1700000000,y\n"
    found = clean(tmp_path, body, rules={"withhold": 1.0})
    assert [row["ROW_ID"] for row in found.rows] == ["x"]
    assert found.report.dropped[0].lines == (4,)


def test_in_a_log_of_calls_rows_without_a_user_or_an_item_are_no_fault(tmp_path: Path) -> None:
    body = f"{HEADER},page\nu1,i1,1700000000,a\n,i2,1700000000,b\nu1,,1700000000,c\n"
    found = clean(tmp_path, body, rules={"item_events_only": True, "max_bad_rows": 0.0})
    assert found.dropped == {"no-item-event": 2}
    assert found.report.clean_header == ("USER_ID", "ITEM_ID", "TIMESTAMP")
    assert found.quarantine == []
