from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.config import loading
from chalicelib.documents import FileReport, decode, encode
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.files import FileRules
from tests.chalicelib.normalise.house import HEADER, NOW, clean, read_rows


def one(
    tmp_path: Path, timestamp: str, timezone: str = "UTC"
) -> tuple[list[str], dict[str, int], dict[str, int]]:
    body = f"{HEADER}\nu1,i1,{timestamp}\nu2,i2,1700000000\n"
    found = clean(tmp_path, body, rules={"timezone": timezone})
    return [row["TIMESTAMP"] for row in found.rows[:-1]], found.dropped, found.fixed


@pytest.mark.parametrize(
    ("written", "seconds", "fix"),
    [
        ("1700000000", "1700000000", None),
        (" 1700000000 ", "1700000000", "plain"),
        ("1.7e9", "1700000000", "plain"),
        ("1700000000.0", "1700000000", "plain"),
        ("1700000000123", "1700000000", "ms"),
        ("1700000000123456", "1700000000", "us"),
        ("1700000000123456789", "1700000000", "ns"),
        ("2023-11-14T22:13:20Z", "1700000000", "date"),
        ("2023-11-14T22:13:20.026Z", "1700000000", "date"),
        ("2023-11-15 00:13:20+02:00", "1700000000", "date"),
        ("2023-11-14 22:13:20", "1700000000", "date"),
        ("2023-11-14", "1699920000", "date"),
        ("828124615", "828124615", None),
        ("1_700_000_000", "1700000000", "plain"),
    ],
)
def test_every_common_way_to_write_a_time_becomes_epoch_seconds(
    tmp_path: Path, written: str, seconds: str, fix: str | None
) -> None:
    times, dropped, fixed = one(tmp_path, written)
    assert times == [seconds]
    assert not dropped
    assert fixed == ({fix: 1} if fix else {})


def test_times_without_a_zone_are_of_the_configs(tmp_path: Path) -> None:
    assert one(tmp_path, "2023-11-14 23:13:20", "Europe/Berlin")[0] == ["1700000000"]
    assert one(tmp_path, "2023-11-14 22:13:20Z", "Europe/Berlin")[0] == ["1700000000"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("0", "early-timestamp"),
        ("-1", "early-timestamp"),
        (str(int(NOW) + 3 * 86_400), "future-timestamp"),
        ("2999-01-01", "future-timestamp"),
        ("NaN", "no-timestamp"),
        ("Infinity", "no-timestamp"),
        ("1e300", "no-timestamp"),
        ("", "no-timestamp"),
        ("NULL", "no-timestamp"),
        (r"\N", "no-timestamp"),
        ("yesterday", "no-timestamp"),
        ("99999999999999999999999", "no-timestamp"),
    ],
)
def test_impossible_times_cost_the_row_and_are_counted(
    tmp_path: Path, written: str, code: str
) -> None:
    times, dropped, _ = one(tmp_path, written)
    assert not times
    assert dropped == {code: 1}


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("", "no-user-id"),
        ("   ", "no-user-id"),
        ("NULL", "no-user-id"),
        (r"\N", "no-user-id"),
        ("\u00a0", "no-user-id"),
        ("x" * 257, "long-user-id"),
        ("é" * 257, "long-user-id"),
        ('"a""b"', "bad-user-id"),
        ('a"b', "bad-user-id"),
        ("a|b", "bad-user-id"),
        ("a\tb", "bad-user-id"),
        ("a\x07b", "bad-user-id"),
        ("a\u2028b", "bad-user-id"),
    ],
)
def test_unusable_ids_cost_the_row_and_are_counted(tmp_path: Path, user: str, code: str) -> None:
    found = clean(tmp_path, f"{HEADER}\n{user},i1,1700000000\nu2,i2,1700000000\n")
    assert found.dropped == {code: 1}
    assert [row["USER_ID"] for row in found.rows] == ["u2"]


@pytest.mark.parametrize(
    "user",
    [
        "007",
        "1e5",
        "9223372036854775808999",
        "-5397708456041503349",
        "x" * 256,
        "é" * 256,
        "e\u0301",
        "🛒",
        "مستخدم",
        "a b",
        " a ",
        "O'Neil",
        "a\\b",
        "true",
        "nan",
    ],
)
def test_ids_stay_the_strings_they_were(tmp_path: Path, user: str) -> None:  # fmt: skip
    found = clean(tmp_path, f"{HEADER}\n{user},i1,1700000000\n")
    assert found.normalised.part.read_text() == f"{HEADER}\n{user},i1,1700000000\n"


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


def test_text_is_written_on_one_line_with_backslash_escapes_and_bare_headers(
    tmp_path: Path,
) -> None:
    body = 'item_id,Title\n1,"say ""hi"", you"\n2,"a\nb"\n3,"tab\there"\n4,"  "\n5,NULL\n'
    found = clean(tmp_path, body, "items")
    lines = found.normalised.part.read_text().splitlines()
    assert lines == ["ITEM_ID,TITLE", r'1,"say \"hi\", you"', "2,a b", "3,tab here", "4,", "5,"]


def test_long_texts_are_cut_and_counted(tmp_path: Path) -> None:
    found = clean(tmp_path, "ITEM_ID,TEXT\n1," + "é" * 20_001 + "\n2,b\n", "items")
    assert len(found.rows[0]["TEXT"]) == 20_000
    assert found.fixed == {"cut": 1}


def test_lists_are_written_with_bars(tmp_path: Path) -> None:
    body = 'ITEM_ID,GENRES\n1,"[""a"",""b""]"\n2,[not json\n'
    found = clean(tmp_path, body, "items")
    assert [row["GENRES"] for row in found.rows] == ["a|b", "[not json"]
    assert found.fixed == {"list": 1}


def test_values_that_are_no_number_are_made_empty_and_counted(tmp_path: Path) -> None:
    body = f"{HEADER},EVENT_VALUE\nu1,i1,1700000000,4\nu1,i2,1700000000,x\nu1,i3,1700000000,inf\nu1,i4,1700000000,\n"
    found = clean(tmp_path, body)
    assert [row["EVENT_VALUE"] for row in found.rows] == ["4.0", "", "", ""]
    assert found.fixed == {"number": 2}
    plain = clean(
        tmp_path / "plain", f"{HEADER},EVENT_VALUE\nu1,i1,1700000000, 4\nu1,i2,1700000000,1_0\n"
    )
    assert [row["EVENT_VALUE"] for row in plain.rows] == ["4.0", "10.0"]


def test_copies_of_a_row_are_dropped_unless_the_config_keeps_them(tmp_path: Path) -> None:
    body = f"{HEADER}\n" + "u1,i1,1700000000\n" * 3 + "u1,i1,1700000001\n"
    found = clean(tmp_path, body)
    assert (found.report.kept, found.dropped) == (2, {"duplicate": 2})
    assert found.report.dropped[0].lines == (3, 4)
    assert clean(tmp_path, body, rules={"keep_duplicates": True}).report.kept == 4


def test_of_items_with_the_same_id_the_last_is_kept(tmp_path: Path) -> None:
    found = clean(tmp_path, "ITEM_ID,PRICE\n1,10\n2,20\n1,30\n", "items")
    assert found.rows == [{"ITEM_ID": "2", "PRICE": "20"}, {"ITEM_ID": "1", "PRICE": "30"}]
    assert found.dropped == {"duplicate": 1}


def test_only_the_configs_event_types_are_kept_and_others_are_no_fault(tmp_path: Path) -> None:
    body = f"{HEADER},EVENT_TYPE\nu1,i1,1700000000,buy\nu1,i2,1700000000,view\nu1,i3,1700000000,\n"
    found = clean(tmp_path, body, rules={"events": ("buy",), "max_bad_rows": 0.0})
    assert (found.report.kept, found.dropped, found.quarantine) == (1, {"event-type": 2}, [])


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


def test_json_lines_are_read_by_dotted_names(tmp_path: Path) -> None:
    when = "2023-11-14T22:13:20.000Z"
    calls = [
        {
            "userId": "007",
            "event": "Product Clicked",
            "timestamp": when,
            "properties": {"sku": "shoe", "tags": ["a", "b"]},
        },
        {
            "userId": None,
            "event": "Product Clicked",
            "timestamp": when,
            "properties": {"sku": "shoe"},
        },
    ]
    body = "\n".join(map(json.dumps, calls)) + "\nnot json\n"
    rules = FileRules.from_config(loading.load(None, "shop"), "segment-logs")
    found = clean(tmp_path, body, rules={"columns": rules.columns})
    assert found.rows[0]["USER_ID"] == "007"
    assert (
        found.rows[0]["ITEM_ID"],
        found.rows[0]["TIMESTAMP"],
        found.rows[0]["PROPERTIES_TAGS"],
    ) == ("shoe", "1700000000", "a|b")
    assert found.dropped == {"json": 1, "no-user-id": 1}
    assert [row["line"] for row in found.quarantine] == [2, 3]


def test_raw_segment_logs_give_an_interaction_per_product_and_other_calls_are_no_fault(
    tmp_path: Path,
) -> None:
    when = "2023-11-14T22:13:20.000Z"
    products = [{"sku": "shirt"}, {"product_id": "shoe"}]
    calls: list[dict[str, Any]] = [
        {"type": "page", "userId": "u1", "timestamp": when, "properties": {}},
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "u1",
            "timestamp": when,
            "properties": {"products": products},
        },
        {
            "type": "track",
            "event": "Product Clicked",
            "userId": "u1",
            "timestamp": when,
            "properties": {"sku": "hat"},
        },
        {
            "type": "track",
            "event": "Product Clicked",
            "userId": "u1",
            "timestamp": "never",
            "properties": {"sku": "hat"},
        },
    ]
    rules = FileRules.from_config(loading.load(None, "shop"), "segment-logs")
    changes = {
        "columns": rules.columns,
        "item_events_only": rules.item_events_only,
        "max_bad_rows": 0.2,
    }
    found = clean(tmp_path, "\n".join(map(json.dumps, calls)), rules=changes)
    assert [(row["ITEM_ID"], row["EVENT_TYPE"]) for row in found.rows] == [
        ("shirt", "Order Completed"),
        ("shoe", "Order Completed"),
        ("hat", "Product Clicked"),
    ]
    assert found.dropped == {"no-item-event": 1, "no-timestamp": 1}
    assert [row["line"] for row in found.quarantine] == [4]
    assert set(found.report.clean_header) == {"USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP"}


def test_a_json_list_is_read_too(tmp_path: Path) -> None:
    rows = [{"ITEM_ID": i, "PRICE": i / 2} for i in range(3)]
    assert len(clean(tmp_path, json.dumps(rows, indent=1), "items").rows) == 3
    with pytest.raises(FileRejected, match="cannot be read as json"):
        clean(tmp_path, json.dumps(rows)[:-5], "items")


def test_parquet_is_read_with_its_times_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    duckdb.sql(
        "COPY (SELECT 7 AS household_id, 'i1' AS item_id, TIMESTAMP '2023-11-14 22:13:20' AS timestamp, ['a', 'b'] AS tags) "
        f"TO '{path}' (FORMAT parquet)"
    )
    found = clean(tmp_path, path.read_bytes(), rules={"columns": {"USER_ID": "household_id"}})
    assert found.rows == [
        {"USER_ID": "7", "ITEM_ID": "i1", "TIMESTAMP": "1700000000", "TAGS": "a|b"}
    ]


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


def test_the_same_file_gives_the_same_bytes_and_the_report_survives_its_json(
    tmp_path: Path,
) -> None:
    body = "\n".join(
        [HEADER, *(f"u{i % 313},i{i * 7919 % 1013},{1_700_000_000 + i}" for i in range(30_000))]
    )
    first, second = (clean(tmp_path / name, body, rules={"withhold": 0.1}) for name in "ab")
    assert first.normalised.part.read_bytes() == second.normalised.part.read_bytes()
    assert decode(encode(first.report), FileReport, "x") == first.report == second.report


def test_columns_are_profiled(tmp_path: Path) -> None:
    body = "ITEM_ID,PRICE,YEAR,GENRE,CODE,NOTE\n1,1.5,1995,a|b,007,\n2,2,1996,a,008,\n3,,1_997,b,009,\n"
    columns = {c.name: c for c in clean(tmp_path, body, "items").report.columns}
    assert {name: c.kind for name, c in columns.items()} == {
        "ITEM_ID": "id",
        "PRICE": "number",
        "YEAR": "text",
        "GENRE": "text",
        "CODE": "text",
        "NOTE": "empty",
    }
    assert (columns["PRICE"].filled, columns["PRICE"].minimum, columns["PRICE"].maximum) == (
        2,
        1.5,
        2.0,
    )
    assert (columns["GENRE"].multi_valued, columns["GENRE"].distinct) == (1, 3)


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
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
        max_size=8,
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
    body = "timestamp,user_id,item_id\n1700000000,007,a b\n1700000001,u2,x\\y\n1700000002,u3,é"
    found = clean(tmp_path, body, rules={"withhold": withhold})
    path = found.normalised.sampled or found.normalised.part
    assert (
        path.read_text()
        == body.replace("timestamp,user_id,item_id", "TIMESTAMP,USER_ID,ITEM_ID") + "\n"
    )
    assert len(found.normalised.part.read_text().splitlines()) == in_part + 1


cell = st.text(alphabet=string.printable + "é\u2028\x00🛒", max_size=12)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(cell, min_size=3, max_size=5), max_size=12), st.sampled_from([",", ";", "\t"])
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
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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


def test_a_hundred_columns_with_a_repair_each_and_awkward_names(tmp_path: Path) -> None:
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
        *(f"x{n}" for n in range(88)),
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
    assert sum(counted.rows for counted in found.report.fixed) == 98 * 5
