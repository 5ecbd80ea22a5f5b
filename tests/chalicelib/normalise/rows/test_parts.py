from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.chalicelib.normalise.house import HEADER, clean


def test_sampled_users_go_whole_into_their_own_file_and_the_same_ones_every_time(
    tmp_path: Path,
) -> None:
    lines = [f"u{i % 1000},i{i},1700000000" for i in range(5000)]
    first = clean(tmp_path / "a", "\n".join([HEADER, *lines]), rules={"withhold": 0.1})
    second = clean(tmp_path / "b", "\n".join([HEADER, *reversed(lines)]), rules={"withhold": 0.1})
    assert first.normalised.sampled
    assert second.normalised.sampled
    users = {line.split(",")[0] for line in first.normalised.sampled.read_text().splitlines()[1:]}
    assert users == {
        line.split(",")[0] for line in second.normalised.sampled.read_text().splitlines()[1:]
    }
    assert 60 < len(users) < 140
    assert first.report.sampled == 5 * len(users)
    assert len(first.rows) == 5000
    assert not any(
        line.split(",")[0] in users for line in first.normalised.part.read_text().splitlines()[1:]
    )


AWKWARD = [
    "NULL",
    r"\N",
    " x",
    "x ",
    '"x"',
    "a\tb",
    "7.0",
    "1_0",
    "é",
    "",
    "null",
    "[1]",
    "\u2028",
    r"x\y",
    "1,5",
]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u1", "u2", *AWKWARD]),
            st.sampled_from(["1700000000", "1.7e9", " 5", *AWKWARD]),
            st.sampled_from(AWKWARD),
            st.sampled_from(["1", "2.5", *AWKWARD]),
        ),
        min_size=1,
        max_size=16,
    ),
    st.booleans(),
)
def test_a_file_copied_as_bytes_is_the_file_written_anew(
    tmp_path: Path, rows: list[tuple[str, str, str, str]], aside: bool
) -> None:
    """The same rows with a quoted header go through the writer: both ways must say the same."""
    lines = [
        f"{user},i{n},{when},{note},{value}" for n, (user, when, note, value) in enumerate(rows)
    ]
    lines.append("u3,last,1700000000,note,1.0")
    names = [*HEADER.split(","), "NOTE", "EVENT_VALUE"]
    rules = {"withhold": 0.5 if aside else 0.0}
    as_is = clean(tmp_path / "a", "\n".join([",".join(names), *lines]), rules=rules)
    anew = clean(
        tmp_path / "b", "\n".join([",".join(f'"{name}"' for name in names), *lines]), rules=rules
    )
    assert _values(as_is.rows) == _values(anew.rows)
    assert as_is.report.dropped == anew.report.dropped


def _values(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows with EVENT_VALUE as the number it is: 1 and 1.0 are the same."""
    return [
        {**row, "EVENT_VALUE": str(float(row["EVENT_VALUE"])) if row["EVENT_VALUE"] else ""}
        for row in rows
    ]


@pytest.mark.parametrize(("withhold", "in_part"), [(0.0, 3), (1.0, 0)])
def test_a_clean_file_keeps_its_lines_byte_for_byte(
    tmp_path: Path, withhold: float, in_part: int
) -> None:
    body = "timestamp,user_id,item_id\n1700000000,007,a b\n1700000001,u2,x'y\n1700000002,u3,é"
    found = clean(tmp_path, body, rules={"withhold": withhold})
    path = found.normalised.sampled or found.normalised.part
    assert (
        path.read_text()
        == body.replace("timestamp,user_id,item_id", "TIMESTAMP,USER_ID,ITEM_ID") + "\n"
    )
    assert len(found.normalised.part.read_text().splitlines()) == in_part + 1


def test_rows_keep_the_order_of_a_file_that_several_threads_write(tmp_path: Path) -> None:
    """More than one of DuckDB's row groups of 122,880; the quoted header keeps bytes from being
    copied, and every tenth row is a copy of the one before.
    """
    rows = [f"u{i},i,{1_700_000_000 + i}" for i in range(260_000)]
    for i in range(10, len(rows), 10):
        rows[i] = rows[i - 1]
    found = clean(
        tmp_path, "\n".join(['"USER_ID",ITEM_ID,TIMESTAMP', *rows]), rules={"withhold": 0.5}
    )
    assert found.dropped == {"duplicate": 25_999}
    assert found.normalised.sampled
    for path in (found.normalised.part, found.normalised.sampled):
        times = [line.rsplit(",", 1)[1] for line in path.read_text().splitlines()[1:]]
        assert len(times) > 100_000
        assert times == sorted(times)
