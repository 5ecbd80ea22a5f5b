from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.normalise.bytes.dialect import Told
from tests.chalicelib.normalise.house import HEADER, NOW, clean


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
        "true",
    ],
)
def test_ids_stay_the_strings_they_were(tmp_path: Path, user: str) -> None:  # fmt: skip
    found = clean(tmp_path, f"{HEADER}\n{user},i1,1700000000\n")
    assert found.normalised.part.read_text() == f"{HEADER}\n{user},i1,1700000000\n"


@pytest.mark.parametrize(
    "word", ["None", "nan", "NaN", "undefined", "(null)", "<NA>", "Null", "none"]
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_word_for_nothing_is_no_id(tmp_path: Path, word: str, place: int) -> None:
    ids = ["u1", "i1"]
    ids[place] = word
    found = clean(tmp_path, f"{HEADER}\n{','.join(ids)},1700000000\nu2,i2,1700000000\n")
    assert found.dropped == {("null-user-id", "null-item-id")[place]: 1}
    assert "a word for no value" in found.quarantine[0]["reason"]


def test_a_word_for_nothing_is_none_in_json_either(tmp_path: Path) -> None:
    body = '{"USER_ID": "null", "ITEM_ID": "i", "TIMESTAMP": 1700000000}\n'
    body += '{"USER_ID": "u", "ITEM_ID": "i", "TIMESTAMP": 1700000000}\n'
    assert clean(tmp_path, body).dropped == {"null-user-id": 1}


@pytest.mark.parametrize("word", ["None", "nan", "NULL"])
def test_where_an_id_is_really_so_the_config_says_what_is_null(tmp_path: Path, word: str) -> None:
    body = f"{HEADER}\n{word},i1,1700000000\n-,i1,1700000000\n"
    found = clean(tmp_path, body, rules={"told": Told(nulls=("-",))})
    assert [row["USER_ID"] for row in found.rows] == [word]


def test_ids_that_are_fractions_are_kept_unless_the_config_wants_whole_ones(tmp_path: Path) -> None:
    body = f"{HEADER}\n17850.0,i1,1700000000\nu.0,1.50,1700000000\n"
    kept = clean(tmp_path, body)
    assert [row["USER_ID"] for row in kept.rows] == ["17850.0", "u.0"]
    whole = clean(tmp_path, body, rules={"whole_ids": True})
    assert [(row["USER_ID"], row["ITEM_ID"]) for row in whole.rows] == [
        ("17850", "i1"),
        ("u.0", "1.50"),
    ]
    assert whole.fixed == {"whole": 1}


def test_an_id_with_a_backslash_is_written_so_that_every_reader_reads_it(tmp_path: Path) -> None:
    found = clean(tmp_path, f"{HEADER}\na\\b,i1,1700000000\n")
    assert found.normalised.part.read_text() == f'{HEADER}\n"a\\\\b",i1,1700000000\n'


def test_long_texts_are_cut_and_counted(tmp_path: Path) -> None:
    found = clean(tmp_path, "ITEM_ID,TEXT\n1," + "é" * 20_001 + "\n2,b\n", "items")
    assert len(found.rows[0]["TEXT"]) == 20_000
    assert found.fixed == {"cut": 1}


def test_chinese_and_japanese_texts_are_cut_where_the_service_cuts_them(tmp_path: Path) -> None:
    body = "ITEM_ID,TEXT\n1," + "漢" * 9_000 + "\n2," + "か" * 7_000 + "\n3," + "é" * 9_000 + "\n"
    found = clean(tmp_path, body, "items")
    assert [len(row["TEXT"]) for row in found.rows] == [7_000, 7_000, 9_000]
    assert found.fixed == {"cut": 1}


@pytest.mark.parametrize(("value", "kept"), [("1e38", 1), ("1e39", 0), ("-1e39", 0), ("3.5e38", 0)])
def test_an_event_value_that_no_float_holds_costs_the_row(
    tmp_path: Path, value: str, kept: int
) -> None:
    body = f"{HEADER},EVENT_VALUE\nu1,i1,1700000000,{value}\nu2,i2,1700000000,1\n"
    found = clean(tmp_path, body)
    assert found.report.kept == 1 + kept
    assert found.dropped == ({} if kept else {"large-event-value": 1})
    if not kept:
        assert "too large for a float" in found.quarantine[0]["reason"]


def test_a_price_that_is_none_is_empty_where_the_domain_wants_a_number(tmp_path: Path) -> None:
    body = "ITEM_ID,PRICE\n1,16.99\n2,n/a\n3,\n"
    found = clean(tmp_path, body, "items", {"numbers": ("EVENT_VALUE", "PRICE")})
    assert [row["PRICE"] for row in found.rows] == ["16.99", "", ""]
    assert found.fixed == {"number": 1}
    assert [column.kind for column in found.report.columns] == ["id", "number"]


def test_lists_are_written_with_bars(tmp_path: Path) -> None:
    body = 'ITEM_ID,GENRES\n1,"[""a"",""b""]"\n2,[not json\n'
    found = clean(tmp_path, body, "items")
    assert [row["GENRES"] for row in found.rows] == ["a|b", "[not json"]
    assert found.fixed == {"list": 1}


def test_values_that_are_no_number_are_made_empty_and_counted(tmp_path: Path) -> None:
    rows = ("u1,i1,1700000000,4", "u1,i2,1700000000,x", "u1,i3,1700000000,inf", "u1,i4,1700000000,")
    body = "\n".join([f"{HEADER},EVENT_VALUE", *rows])
    found = clean(tmp_path, body)
    assert [row["EVENT_VALUE"] for row in found.rows] == ["4.0", "", "", ""]
    assert found.fixed == {"number": 2}
    plain = clean(
        tmp_path / "plain", f"{HEADER},EVENT_VALUE\nu1,i1,1700000000, 4\nu1,i2,1700000000,1_0\n"
    )
    assert [row["EVENT_VALUE"] for row in plain.rows] == ["4.0", "10.0"]


def test_only_the_configs_event_types_are_kept_and_others_are_no_fault(tmp_path: Path) -> None:
    body = f"{HEADER},EVENT_TYPE\nu1,i1,1700000000,buy\nu1,i2,1700000000,view\nu1,i3,1700000000,\n"
    found = clean(tmp_path, body, rules={"events": ("buy",), "max_bad_rows": 0.0})
    assert (found.report.kept, found.dropped, found.quarantine) == (1, {"event-type": 2}, [])
