from __future__ import annotations

import pytest

from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.columns import avro_name, map_columns


def names(
    dataset: str, header: list[str], mapped: dict[str, str] | None = None
) -> list[tuple[str, str]]:
    return [(c.source, c.name) for c in map_columns(dataset, header, mapped)]


@pytest.mark.parametrize(
    "header",
    [
        ["USER_ID", "ITEM_ID", "TIMESTAMP"],
        ["user_id", "item_id", "timestamp"],
        ["USER ID", "Item Id", "TimeStamp"],
        ["userId", "itemId", "timestamp"],
        ["timestamp", "user-id", "item.id"],
    ],
)
def test_case_blanks_and_punctuation_do_not_matter(header: list[str]) -> None:
    assert sorted(name for _, name in names("interactions", header)) == [
        "ITEM_ID",
        "TIMESTAMP",
        "USER_ID",
    ]


def test_the_config_maps_names_and_wins_over_spelling() -> None:
    header = ["customer_id", "user_id", "ITEM_ID", "ordered_at", "timestamp"]
    found = names("interactions", header, {"USER_ID": "Customer_ID", "TIMESTAMP": "ordered_at"})
    assert found == [
        ("customer_id", "USER_ID"),
        ("ITEM_ID", "ITEM_ID"),
        ("ordered_at", "TIMESTAMP"),
    ]


def test_metadata_keeps_the_files_order_under_names_personalize_takes() -> None:
    found = names(
        "items", ["ITEM_ID", "DSTCity", "Member class", "2nd", "", "GENRES FIELD", "GENRES_FIELD"]
    )
    assert [name for _, name in found] == [
        "ITEM_ID",
        "DSTCITY",
        "MEMBER_CLASS",
        "C_2ND",
        "GENRES_FIELD",
    ]
    assert avro_name("  été!") == "T"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            ["customer_id", "ITEM_ID", "TIMESTAMP"],
            "no USER_ID. Expected USER_ID, ITEM_ID, TIMESTAMP; found customer_id, ITEM_ID, TIMESTAMP.",
        ),
        (
            ["userId", "movieId", "rating", "timestamp"],
            '[source] columns = { ITEM_ID = "movieId" }',
        ),
        (["USER_ID", "ITEM_ID", "TIMESTMP"], 'TIMESTAMP = "TIMESTMP"'),
        (["u1", "i1", "1700000000"], "[source] header = [...]"),
        (["USER_ID", "USER_ID", "ITEM_ID", "TIMESTAMP"], "has column 'USER_ID' twice"),
    ],
)
def test_a_header_that_does_not_fit_says_what_would(header: list[str], message: str) -> None:
    with pytest.raises(FileRejected) as error:
        map_columns("interactions", header)
    assert message in str(error.value)
    assert error.value.code == "header"
