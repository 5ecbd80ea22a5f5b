from __future__ import annotations

import pytest

from chalicelib.sources.snowflake import HABITS

QUERY = "01b2e8a5-0604-8d8c-0000-00017d5e8b21"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"run1/data_{QUERY}_0_1_0.snappy.parquet", QUERY),
        (f"data_{QUERY}_006_3_12.csv.gz", QUERY),
        (f"{QUERY}.csv", None),
        (f"data_{QUERY[:-1]}_0_1_0.csv", None),
        ("data_0_0_0.csv.gz", None),
    ],
)
def test_a_file_carries_the_id_of_its_query_when_asked_to(path: str, query: str | None) -> None:
    found = HABITS.unload.search(path)
    assert (found[1] if found else None) == query
