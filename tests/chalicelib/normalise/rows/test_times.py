from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.normalise.errors import FileRejected
from tests.chalicelib.normalise.house import HEADER, Cleaned, clean


def times(tmp_path: Path, *written: str, told: str = "auto", timezone: str = "UTC") -> Cleaned:
    rows = "".join(f'u{i},i{i},"{time}"\n' for i, time in enumerate(written))
    rules = {"timestamp_format": told, "timezone": timezone, "max_bad_rows": 0.05}
    return clean(tmp_path, f"{HEADER}\n{rows}", rules=rules)


def seconds(found: Cleaned) -> list[int]:
    return [int(row["TIMESTAMP"]) for row in found.rows]


@pytest.mark.parametrize(
    "written",
    [
        "2023-11-14 14:13:20.000 -0800",  # Snowflake's default
        "2023-11-14 22:13:20 UTC",
        "2023-11-14 17:13:20-0500",
        "2023-11-14 17:13:20 -0500",  # Shopify
        "2023-11-14T22:13:20.026Z[UTC]",  # Java
        "20231114T221320Z",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "Tue, 14 Nov 2023 14:13:20 -0800",
        "14/Nov/2023:23:13:20 +0100",
        "14-NOV-23 10.13.20.000000 PM",  # Oracle
        "11/14/2023 22:13:20",
        "11/14/2023, 10:13:20 PM",
        "14/11/2023 22:13:20",
        "14.11.2023 22:13:20",
        "14-11-2023 22:13:20",
        "20231114221320",
    ],
)
def test_a_time_that_can_mean_one_thing_only_is_read(tmp_path: Path, written: str) -> None:
    assert seconds(times(tmp_path, written)) == [1_700_000_000]


def test_the_whole_file_says_whether_the_day_or_the_month_is_first(tmp_path: Path) -> None:
    found = times(tmp_path, "12/1/2010 8:26", "1/13/2011 9:00")
    assert seconds(found) == [1_291_191_960, 1_294_909_200]
    assert found.report.notes[1:] == (
        "TIMESTAMP was read as month, day, year: the second goes up to 13",
    )
    european = times(tmp_path / "eu", "12/1/2010 8:26", "13/1/2011 9:00")
    assert seconds(european) == [1_263_284_760, 1_294_909_200]


@pytest.mark.parametrize("written", [("1/2/2023", "2/3/2023"), ("13/1/2023", "1/13/2023")])
def test_an_open_order_is_asked_for_and_the_config_answers(
    tmp_path: Path, written: tuple[str, ...]
) -> None:
    with pytest.raises(FileRejected, match='timestamp_format = "day-first" or "month-first"'):
        times(tmp_path, *written)


def test_the_config_says_the_order(tmp_path: Path) -> None:
    assert seconds(times(tmp_path, "1/2/2023", told="day-first")) == [1_675_209_600]
    assert seconds(times(tmp_path, "1/2/2023", told="month-first")) == [1_672_617_600]
    assert seconds(times(tmp_path, "1_2_2023", told="%d_%m_%Y")) == [1_675_209_600]


def test_a_date_as_a_number_is_no_day_of_1970(tmp_path: Path) -> None:
    found = times(tmp_path, "20231114", "20231115", timezone="Europe/Berlin")
    assert seconds(found) == [1_699_916_400, 1_700_002_800]
    with pytest.raises(FileRejected, match="before 1991"):
        times(tmp_path / "counter", "20231399", "20231499")


def test_excels_days_are_read_when_they_have_fractions_and_asked_for_when_not(
    tmp_path: Path,
) -> None:
    assert seconds(times(tmp_path, "45244.92592592593", "45244")) == [1_700_000_000, 1_699_920_000]
    with pytest.raises(FileRejected, match='timestamp_format = "excel"'):
        times(tmp_path / "whole", "45244", "45245")
    assert seconds(times(tmp_path / "told", "45244", told="excel")) == [1_699_920_000]


def test_times_before_the_web_are_refused_unless_the_config_says_what_they_count(
    tmp_path: Path,
) -> None:
    with pytest.raises(FileRejected, match='timestamp_format = "seconds"'):
        times(tmp_path, "1", "2")
    with pytest.raises(FileRejected, match="before 1991"):  # .NET's ticks
        times(tmp_path, "638356184000000000")
    assert seconds(times(tmp_path, "1", "2", told="seconds")) == [1, 2]
    assert seconds(times(tmp_path, "662688000000", told="milliseconds")) == [662_688_000]


def test_a_year_is_no_time_that_an_item_was_made(tmp_path: Path) -> None:
    body = "ITEM_ID,CREATION_TIMESTAMP\ni1,1995\ni2,157766400\ni3,1970-02-01\n"
    found = clean(tmp_path, body, "items")
    assert [row["CREATION_TIMESTAMP"] for row in found.rows] == ["", "157766400", "2678400"]
    assert found.fixed == {"time": 1, "date": 1}
